package io.athanor.eval.metric;

import io.athanor.api.eval.Outcomes;

/** A metric of actual and predicted targets alone, so that two models can be compared by it. */
public interface OutcomeMetric extends Metric {
  /**
   * Prepares the metric for these outcomes.
   *
   * @throws io.athanor.api.error.UnsupportedException if they are of another task
   * @throws io.athanor.api.error.NotFoundException if it is about a label the model does not know
   */
  Statistic statistic(Outcomes outcomes);

  @Override
  default Statistic statistic(Observations observations) {
    return statistic(observations.outcomes());
  }
}
