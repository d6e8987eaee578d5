package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;

/** The share of rows whose most likely label is the actual one. */
public record Accuracy() implements OutcomeMetric {
  @Override
  public String name() {
    return "accuracy";
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.HIGHER;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Labels labels = Observations.labels(outcomes, name());
    boolean[] right = new boolean[labels.rows()];
    for (int row = 0; row < right.length; row++) {
      right[row] = labels.correct(row);
    }
    return new Statistic(
        "Accuracy",
        "",
        right.length,
        weights -> {
          long sum = 0;
          long all = 0;
          for (int row = 0; row < right.length; row++) {
            all += weights[row];
            sum += right[row] ? weights[row] : 0;
          }
          return (double) sum / all;
        });
  }
}
