package io.athanor.benchmarks;

import java.util.Arrays;

/** Order statistics of measurements. */
final class Quantiles {
  private Quantiles() {}

  /** The value below which a share of the values lies. */
  static double of(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.round(share * (sorted.length - 1))];
  }

  /** The median distance from the median. */
  static double deviation(double[] values) {
    double median = of(values, 0.5);
    return of(Arrays.stream(values).map(v -> Math.abs(v - median)).toArray(), 0.5);
  }
}
