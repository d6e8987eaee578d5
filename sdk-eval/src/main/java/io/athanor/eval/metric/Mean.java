package io.athanor.eval.metric;

/** The mean of numbers that count several times. */
final class Mean {
  private Mean() {}

  static double of(double[] values, int[] weights) {
    double sum = 0;
    long all = 0;
    for (int i = 0; i < values.length; i++) {
      sum += weights[i] * values[i];
      all += weights[i];
    }
    return sum / all;
  }
}
