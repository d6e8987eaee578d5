package io.athanor.deploy.monitor;

import io.athanor.api.data.Distribution;
import io.athanor.api.data.Trait;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.hipparchus.stat.inference.ChiSquareTest;
import org.hipparchus.stat.inference.KolmogorovSmirnovTest;

/** Holds what was counted against the baseline. */
final class DriftTest {
  private static final double SMALLEST_SHARE = 1e-4;
  private static final double GROUP = 0.1 - 1e-9;
  private static final double SMALLEST_EXPECTED = 5;

  private final DriftLimits limits;

  DriftTest(DriftLimits limits) {
    this.limits = limits;
  }

  /** Every trait with enough values, the least likely first. */
  List<TraitDrift> of(Map<Trait, Tally> tallies) {
    List<TraitDrift> found = new ArrayList<>();
    tallies.forEach(
        (trait, tally) -> {
          if (tally.count() >= limits.rows()) {
            found.add(compare(trait, tally));
          }
        });
    found.sort(Comparator.comparingDouble(TraitDrift::pValue));
    return adjusted(found);
  }

  /** Raises the ascending p-values by how many there are (Benjamini and Hochberg 1995). */
  List<TraitDrift> adjusted(List<TraitDrift> ascending) {
    int all = ascending.size();
    List<TraitDrift> adjusted = new ArrayList<>(ascending);
    double least = 1;
    for (int i = all - 1; i >= 0; i--) {
      TraitDrift one = ascending.get(i);
      least = Math.min(least, one.pValue() * all / (i + 1));
      adjusted.set(
          i,
          new TraitDrift(
              one.trait(),
              one.test(),
              one.rows(),
              one.statistic(),
              one.pValue(),
              least,
              one.stability(),
              least < limits.significance() && matters(one)));
    }
    return adjusted;
  }

  private boolean matters(TraitDrift one) {
    return switch (one.test()) {
      case KOLMOGOROV_SMIRNOV ->
          one.statistic() >= limits.distance() || one.stability() >= limits.stability();
      case CHI_SQUARE -> one.stability() >= limits.stability();
      case MEAN_DISCREPANCY -> one.statistic() >= limits.discrepancy();
    };
  }

  private static TraitDrift compare(Trait trait, Tally tally) {
    if (tally instanceof Tally.Numbers numbers) {
      return numbers(trait, numbers);
    }
    return tally instanceof Tally.Words words
        ? words(trait, words)
        : vectors(trait, (Tally.Vectors) tally);
  }

  private static TraitDrift numbers(Trait trait, Tally.Numbers seen) {
    List<Double> upTo = seen.baseline.upTo();
    long count = seen.count();
    long below = 0;
    double largest = 0;
    double stability = 0;
    double expectedInGroup = 0;
    long seenInGroup = 0;
    for (int i = 0; i < seen.counts.length; i++) {
      boolean last = i == seen.counts.length - 1;
      below += seen.counts[i];
      seenInGroup += seen.counts[i];
      if (!last) {
        largest = Math.max(largest, Math.abs(upTo.get(i) - (double) below / count));
        expectedInGroup += upTo.get(i) - (i == 0 ? 0 : upTo.get(i - 1));
      }
      double left = last ? 0 : 1 - upTo.get(i);
      if (last || (expectedInGroup >= GROUP && left >= GROUP)) {
        stability += stability(expectedInGroup, (double) seenInGroup / count);
        expectedInGroup = 0;
        seenInGroup = 0;
      }
    }
    double pValue =
        new KolmogorovSmirnovTest()
            .approximateP(largest, clamped(seen.baseline.count()), clamped(count));
    return drift(trait, TraitDrift.Test.KOLMOGOROV_SMIRNOV, count, largest, pValue, stability);
  }

  /** One part of the population stability index; no share counts as less than a ten-thousandth. */
  private static double stability(double expected, double actual) {
    double e = Math.max(expected, SMALLEST_SHARE);
    double a = Math.max(actual, SMALLEST_SHARE);
    return (a - e) * Math.log(a / e);
  }

  private static TraitDrift words(Trait trait, Tally.Words seen) {
    long[] expected = new long[seen.counts.length];
    int next = 0;
    for (long count : seen.baseline.counts().values()) {
      expected[next++] = count;
    }
    expected[next] = seen.baseline.other();
    long before = seen.baseline.count();
    long now = seen.count();
    double stability = 0;
    for (int i = 0; i < expected.length; i++) {
      stability += stability((double) expected[i] / before, (double) seen.counts[i] / now);
    }
    long[][] cells = frequent(expected, seen.counts, before, now);
    int kinds = cells[0].length;
    ChiSquareTest test = new ChiSquareTest();
    double statistic = kinds < 2 ? 0 : test.chiSquareDataSetsComparison(cells[0], cells[1]);
    double pValue = kinds < 2 ? 1 : test.chiSquareTestDataSetsComparison(cells[0], cells[1]);
    return drift(trait, TraitDrift.Test.CHI_SQUARE, now, statistic, pValue, stability);
  }

  /**
   * Both samples' counts, with words of fewer than five expected occurrences taken together, below
   * which chi-square is not to be trusted (Cochran 1954). A cell that is empty in both is left out.
   */
  private static long[][] frequent(long[] expected, long[] actual, long before, long now) {
    List<long[]> kept = new ArrayList<>();
    long[] rare = new long[2];
    for (int i = 0; i < expected.length; i++) {
      double all = (double) expected[i] + actual[i];
      if (all * Math.min(before, now) / (before + now) >= SMALLEST_EXPECTED) {
        kept.add(new long[] {expected[i], actual[i]});
      } else {
        rare[0] += expected[i];
        rare[1] += actual[i];
      }
    }
    if (rare[0] + rare[1] > 0) {
      kept.add(rare);
    }
    return new long[][] {
      kept.stream().mapToLong(cell -> cell[0]).toArray(),
      kept.stream().mapToLong(cell -> cell[1]).toArray()
    };
  }

  /**
   * The distance of the mean features. How likely it is at most, comes from its expectation, where
   * nothing has changed, and McDiarmid's inequality, as in theorem 7 of Gretton et al.
   */
  private static TraitDrift vectors(Trait trait, Tally.Vectors seen) {
    Distribution.Vectors baseline = seen.baseline;
    double squares = 0;
    double concentration = 0;
    for (int i = 0; i < seen.sums.length; i++) {
      double mean = baseline.mean().get(i);
      double difference = seen.sums[i] / seen.count() - mean;
      squares += difference * difference;
      concentration += mean * mean;
    }
    int pairs = seen.sums.length / 2;
    double statistic = Math.sqrt(squares / pairs);
    double scale = 1.0 / baseline.count() + 1.0 / seen.count();
    double expected = Math.sqrt(scale * Math.max(0, 1 - concentration / pairs));
    double beyond = Math.max(0, statistic - expected);
    double pValue = Math.exp(-beyond * beyond / (2 * scale));
    return drift(
        trait, TraitDrift.Test.MEAN_DISCREPANCY, seen.count(), statistic, pValue, Double.NaN);
  }

  private static TraitDrift drift(
      Trait trait,
      TraitDrift.Test test,
      long rows,
      double statistic,
      double pValue,
      double stability) {
    return new TraitDrift(trait, test, rows, statistic, pValue, pValue, stability, false);
  }

  private static int clamped(long count) {
    return (int) Math.min(Integer.MAX_VALUE, count);
  }
}
