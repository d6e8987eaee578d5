package io.athanor.deploy.rollout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/**
 * A sequential test that the mean of observations in [0, 1] is above a bound, which may be looked
 * at after every observation. It bets against the mean being at most the bound: if that is so,
 * nobody can expect to gain, and the capital ever reaches {@code 1/alpha} with probability at most
 * {@code alpha} (Ville's inequality), however often and for whatever reason one looks or stops.
 *
 * <p>The capital is spread over bets of many sizes, as the size that gains most depends on the
 * unknown distribution: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
 * betting", Journal of the Royal Statistical Society B 86 (2024), "diversified Kelly betting". A
 * part of it is kept for bets that begin later, so that a change after a long quiet time shows
 * soon: the mixture over starting points of Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric
 * framework for sequential change detection", New England Journal of Statistics in Data Science 2
 * (2023), with weights that add up to one so that the bound above holds.
 *
 * <p>Not thread-safe.
 */
final class BettingTest {
  private static final double[] FRACTIONS = {
    0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.55, 0.72, 0.9
  };
  private static final int BETWEEN_STARTS = 100;
  private static final double LOST = 1e-12;

  private final double bound;
  private final List<double[]> stakes = new ArrayList<>();
  private int starts;
  private long observations;
  private double most = 1;

  /**
   * @param bound in (0, 1)
   */
  BettingTest(double bound) {
    if (!(bound > 0 && bound < 1)) {
      throw new IllegalArgumentException("bound must be above 0 and below 1, got " + bound);
    }
    this.bound = bound;
  }

  /**
   * Takes in the next observation.
   *
   * @param x in [0, 1]
   */
  void observe(double x) {
    if (observations++ % BETWEEN_STARTS == 0) {
      start();
    }
    double capital = 1.0 / (starts + 1);
    Iterator<double[]> all = stakes.iterator();
    while (all.hasNext()) {
      double[] stake = all.next();
      double sum = 0;
      for (int i = 0; i < stake.length; i++) {
        stake[i] *= 1 + FRACTIONS[i] / bound * (x - bound);
        sum += stake[i];
      }
      capital += sum;
      if (sum < LOST) {
        all.remove();
      }
    }
    most = Math.max(most, capital);
  }

  /** The weights 1/2, 1/6, 1/12 and so on leave {@code 1/(starts + 1)} for those to come. */
  private void start() {
    double weight = 1.0 / ((starts + 1.0) * (starts + 2.0));
    starts++;
    double[] stake = new double[FRACTIONS.length];
    Arrays.fill(stake, weight / stake.length);
    stakes.add(stake);
  }

  long observations() {
    return observations;
  }

  /** The most that the capital ever was, from 1. */
  double evidence() {
    return most;
  }
}
