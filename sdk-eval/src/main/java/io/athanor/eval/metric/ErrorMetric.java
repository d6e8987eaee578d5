package io.athanor.eval.metric;

import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import java.util.Locale;

/**
 * How far estimates are from the actual numbers, in the unit of the target: mean absolute error,
 * root mean squared error, or the coefficient of determination.
 */
public record ErrorMetric(Kind kind) implements OutcomeMetric {
  /** Which number. */
  public enum Kind {
    MAE("Mean absolute error", MetricValue.Better.LOWER),
    RMSE("Root mean squared error", MetricValue.Better.LOWER),
    R2("R²", MetricValue.Better.HIGHER);

    private final String title;
    private final MetricValue.Better better;

    Kind(String title, MetricValue.Better better) {
      this.title = title;
      this.better = better;
    }
  }

  @Override
  public String name() {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public MetricValue.Better better() {
    return kind.better;
  }

  @Override
  public Statistic statistic(Outcomes outcomes) {
    Outcomes.Quantities quantities = Observations.quantities(outcomes, name());
    int rows = quantities.rows();
    double[] errors = new double[rows];
    double[] squares = new double[rows];
    double[] centred = new double[rows];
    double centre = 0;
    for (int row = 0; row < rows; row++) {
      double error = quantities.predicted(row) - quantities.actual(row);
      errors[row] = Math.abs(error);
      squares[row] = error * error;
      centre += quantities.actual(row) / rows;
    }
    for (int row = 0; row < rows; row++) {
      centred[row] = quantities.actual(row) - centre;
    }
    Statistic.Function function =
        switch (kind) {
          case MAE -> weights -> Mean.of(errors, weights);
          case RMSE -> weights -> Math.sqrt(Mean.of(squares, weights));
          case R2 -> weights -> determination(squares, centred, weights);
        };
    return new Statistic(kind.title, "", rows, "all test rows have the same target", function);
  }

  private static double determination(double[] squares, double[] centred, int[] weights) {
    double mean = Mean.of(centred, weights);
    double residual = 0;
    double total = 0;
    double lowest = Double.POSITIVE_INFINITY;
    double highest = Double.NEGATIVE_INFINITY;
    for (int row = 0; row < squares.length; row++) {
      if (weights[row] > 0) {
        lowest = Math.min(lowest, centred[row]);
        highest = Math.max(highest, centred[row]);
      }
      residual += weights[row] * squares[row];
      total += weights[row] * (centred[row] - mean) * (centred[row] - mean);
    }
    // Not total == 0: the mean of equal numbers need not round to that number.
    return lowest == highest ? Double.NaN : 1 - residual / total;
  }
}
