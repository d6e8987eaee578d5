package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** How often the sequential test is wrong when it is looked at all the time, and how fast right. */
class BettingTestTest {
  private static final double ALPHA = 0.05;
  private static final int RUNS = 400;
  private static final int LENGTH = 2_000;

  /** One comparison: both right or both wrong four times of five, else one of them is right. */
  private static double difference(SplittableRandom random, double mean) {
    double u = random.nextDouble();
    if (u >= 0.2) {
      return 0;
    }
    return u < 0.1 - mean / 2 ? -1 : 1;
  }

  /** After how many comparisons a candidate is called worse; LENGTH + 1 if never. */
  private static int calledWorse(SplittableRandom random, double margin, double mean) {
    QualityGuard guard = QualityGuard.noWorseBy(margin, ALPHA);
    for (int n = 1; n <= LENGTH; n++) {
      double d = difference(random, mean);
      guard.compare(d < 0 ? 1 : 0, d > 0 ? 1 : 0);
      if (guard.finding().kind() == Finding.Kind.BAD) {
        return n;
      }
    }
    return LENGTH + 1;
  }

  private static double share(double margin, double mean, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int called = 0;
    for (int run = 0; run < RUNS; run++) {
      called += calledWorse(random.split(), margin, mean) <= LENGTH ? 1 : 0;
    }
    return (double) called / RUNS;
  }

  @Test
  void rarelyRollsBackACandidateAtTheMarginThoughLookedAtEveryTime() {
    assertThat(share(0, 0, 1)).isLessThanOrEqualTo(ALPHA);
    assertThat(share(0.05, -0.05, 2)).isLessThanOrEqualTo(ALPHA);
  }

  @Test
  void hardlyEverRollsBackACandidateThatIsEquallyGood() {
    assertThat(share(0.05, 0, 3)).isLessThanOrEqualTo(0.01);
  }

  /**
   * What the test is for: looking at a test for one look again and again is wrong far too often.
   */
  @Test
  void aTestForOneLookIsWrongTooOftenOnTheSameRuns() {
    SplittableRandom random = new SplittableRandom(1);
    int called = 0;
    for (int run = 0; run < RUNS; run++) {
      SplittableRandom one = random.split();
      double sum = 0;
      double squares = 0;
      boolean worse = false;
      for (int n = 1; n <= LENGTH; n++) {
        double d = difference(one, 0);
        sum += d;
        squares += d * d;
        worse |= n >= 30 && sum / Math.sqrt(squares) < -1.645;
      }
      called += worse ? 1 : 0;
    }
    assertThat((double) called / RUNS).isGreaterThan(3 * ALPHA);
  }

  @Test
  void findsARealDifferenceSoon() {
    SplittableRandom random = new SplittableRandom(4);
    int[] needed = new int[RUNS];
    for (int run = 0; run < RUNS; run++) {
      needed[run] = calledWorse(random.split(), 0.02, -0.12);
    }
    Arrays.sort(needed);
    assertThat(needed[RUNS / 2]).isBetween(20, 400);
    assertThat(needed[RUNS * 95 / 100]).isLessThanOrEqualTo(1_000);
  }

  @Test
  void findsAnUtterlyWrongCandidateInADozenComparisons() {
    QualityGuard guard = QualityGuard.noWorseBy(0.05, ALPHA);
    int n = 0;
    while (guard.finding().kind() != Finding.Kind.BAD && n < 100) {
      guard.compare(1, 0);
      n++;
    }
    assertThat(n).isLessThanOrEqualTo(12);
  }

  @Test
  void noticesSoonWhenAGoodCandidateTurnsBad() {
    SplittableRandom random = new SplittableRandom(5);
    QualityGuard guard = QualityGuard.noWorseBy(0.02, ALPHA);
    for (int n = 0; n < 20_000; n++) {
      double d = difference(random, 0.02);
      guard.compare(d < 0 ? 1 : 0, d > 0 ? 1 : 0);
    }
    assertThat(guard.finding().kind()).isEqualTo(Finding.Kind.GOOD);
    int n = 0;
    while (guard.finding().kind() != Finding.Kind.BAD && n < LENGTH) {
      guard.compare(random.nextDouble() < 0.9 ? 1 : 0, random.nextDouble() < 0.5 ? 1 : 0);
      n++;
    }
    assertThat(n).isLessThanOrEqualTo(150);
  }

  @Test
  void saysThatACandidateIsGoodOnlyWhereItIs() {
    SplittableRandom random = new SplittableRandom(6);
    int equal = 0;
    int atTheMargin = 0;
    for (int run = 0; run < 200; run++) {
      equal += calledGood(random.split(), 0) ? 1 : 0;
      atTheMargin += calledGood(random.split(), -0.05) ? 1 : 0;
    }
    assertThat(equal).isGreaterThan(180);
    assertThat(atTheMargin).isLessThanOrEqualTo(10);
  }

  private static boolean calledGood(SplittableRandom random, double mean) {
    QualityGuard guard = QualityGuard.noWorseBy(0.05, ALPHA);
    for (int n = 0; n < LENGTH; n++) {
      double d = difference(random, mean);
      guard.compare(d < 0 ? 1 : 0, d > 0 ? 1 : 0);
      if (guard.finding().kind() == Finding.Kind.GOOD) {
        return true;
      }
    }
    return false;
  }

  @Test
  void saysWhatWasMeasured() {
    QualityGuard guard = QualityGuard.noWorseBy(0.1, ALPHA);
    assertThat(guard.finding())
        .isEqualTo(
            Finding.undecided(
                "the candidate's mean score differs by +0.0000 in 0 comparisons, which does not"
                    + " decide it"));
    for (int n = 0; n < 50; n++) {
      guard.compare(1, 0.5);
    }
    assertThat(guard.finding())
        .isEqualTo(
            Finding.bad(
                "the candidate's mean score differs by -0.5000 in 50 comparisons, but from some"
                    + " point on it is worse by more than 0.1"));
  }

  @Test
  void refusesScoresThatAreNone() {
    QualityGuard guard = QualityGuard.noWorseBy(0.1, ALPHA);
    assertThatThrownBy(() -> guard.compare(1.5, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("champion must be 0 to 1, got 1.5");
    assertThatThrownBy(() -> guard.compare(0, Double.NaN))
        .hasMessage("candidate must be 0 to 1, got NaN");
    assertThatThrownBy(() -> QualityGuard.noWorseBy(1, ALPHA))
        .hasMessage("margin must be 0 to below 1, got 1.0");
    assertThatThrownBy(() -> QualityGuard.noWorseBy(0.1, 0))
        .hasMessage("alpha must be above 0, at most 0.5, got 0.0");
  }
}
