package io.athanor.eval.metric;

import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.Evidence.Threshold.Bound;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.MetricValue.Better;

/** A gate on the value of a metric. An undefined metric is inconclusive, which does not pass. */
public final class Threshold implements Gate {
  private final Metric metric;
  private final Better direction;
  private final double threshold;
  private final boolean confident;

  Threshold(Metric metric, Better direction, double threshold, boolean confident) {
    if (!Double.isFinite(threshold)) {
      throw new IllegalArgumentException("threshold must be finite, got " + threshold);
    }
    this.metric = metric;
    this.direction = direction;
    this.threshold = threshold;
    this.confident = confident;
  }

  /**
   * Asks that the whole confidence interval meets the threshold. Where the threshold lies within
   * the interval the decision is inconclusive: more rows are needed to tell.
   */
  public Threshold withConfidence() {
    return new Threshold(metric, direction, threshold, true);
  }

  @Override
  public GateDecision decide(TestRun run) {
    MetricValue measured = run.measure(metric);
    String unit = metric.unit().isEmpty() ? "" : " " + metric.unit();
    String gate =
        metric.name()
            + (direction == Better.HIGHER ? " at least " : " at most ")
            + Numbers.plain(threshold)
            + unit
            + (confident
                ? " with " + Numbers.percent(run.sampling().confidence()) + " confidence"
                : "");
    Evidence evidence =
        new Evidence.Threshold(
            metric.name(),
            measured.estimate(),
            threshold,
            confident ? Bound.INTERVAL : Bound.VALUE,
            run.test().rows());
    if (measured.estimate().isEmpty()) {
      return new GateDecision.Inconclusive(
          gate, measured.title() + " is undefined: " + measured.note() + ".", evidence);
    }
    Estimate estimate = measured.estimate().get();
    String is =
        measured.title()
            + " is "
            + Numbers.brief(estimate.value())
            + unit
            + " ("
            + Numbers.brief(estimate.low())
            + " to "
            + Numbers.brief(estimate.high())
            + ")";
    boolean up = direction == Better.HIGHER;
    if (!confident) {
      return meets(estimate.value())
          ? new GateDecision.Passed(gate, is + ", which meets the threshold.", evidence)
          : new GateDecision.Failed(
              gate,
              is + ", " + (up ? "below " : "above ") + Numbers.plain(threshold) + unit + ".",
              evidence);
    }
    if (meets(up ? estimate.low() : estimate.high())) {
      return new GateDecision.Passed(gate, is + "; the whole interval meets it.", evidence);
    }
    if (!meets(up ? estimate.high() : estimate.low())) {
      return new GateDecision.Failed(gate, is + "; the whole interval misses it.", evidence);
    }
    return new GateDecision.Inconclusive(
        gate,
        is
            + "; the threshold lies within the interval, so "
            + run.test().rows()
            + " rows are too few to tell.",
        evidence);
  }

  private boolean meets(double value) {
    return direction == Better.HIGHER ? value >= threshold : value <= threshold;
  }
}
