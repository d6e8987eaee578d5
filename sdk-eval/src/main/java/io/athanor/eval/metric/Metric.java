package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;

/** Something to measure. Immutable and thread-safe. */
public interface Metric {
  /** Its name in reports, for example {@code "f1.macro"}. */
  String name();

  /** Which way is better. */
  MetricValue.Better better();

  /** Its unit, for example {@code "ms"}; empty for a plain number. */
  default String unit() {
    return "";
  }

  /**
   * Prepares the metric for these observations.
   *
   * @throws io.athanor.api.error.UnsupportedException if they are of another task
   * @throws io.athanor.api.error.NotFoundException if it is about a label the model does not know
   */
  Statistic statistic(Observations observations);

  /** A gate that lets a model through where this metric is at least that much. */
  default Threshold atLeast(double threshold) {
    return new Threshold(this, MetricValue.Better.HIGHER, threshold, false);
  }

  /** A gate that lets a model through where this metric is at most that much. */
  default Threshold atMost(double threshold) {
    return new Threshold(this, MetricValue.Better.LOWER, threshold, false);
  }
}
