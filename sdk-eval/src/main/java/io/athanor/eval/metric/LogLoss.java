package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;

/**
 * The mean negative logarithm of the probability given to the actual label. Probabilities are
 * clipped at {@code 2^-23}, the precision of a float, as scikit-learn does for floats: a wrong
 * certainty costs 15.9.
 */
public record LogLoss() implements OutcomeMetric {
  private static final double FLOOR = Math.scalb(1.0, -23);

  @Override
  public String name() {
    return "log-loss";
  }

  @Override
  public MetricValue.Better better() {
    return MetricValue.Better.LOWER;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Labels labels = Observations.labels(outcomes, name());
    double[] losses = new double[labels.rows()];
    for (int row = 0; row < losses.length; row++) {
      double p = labels.probability(row, labels.actual(row));
      losses[row] = -Math.log(Math.min(Math.max(p, FLOOR), 1 - FLOOR));
    }
    return new Statistic("Log loss", "", losses.length, weights -> Mean.of(losses, weights));
  }
}
