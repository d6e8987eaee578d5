package io.athanor.eval.metric;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.eval.Outcomes.Labels;
import io.athanor.api.eval.Outcomes.Quantities;

/**
 * What was observed while a model predicted the test rows.
 *
 * @param outcomes of every row
 * @param speed how long it took
 */
public record Observations(Outcomes outcomes, Speed speed) {
  static Labels labels(Outcomes outcomes, String metric) {
    if (outcomes instanceof Labels labels) {
      return labels;
    }
    throw new UnsupportedException(
        metric + " is a metric of classifiers, and this model estimates a number",
        "Use mae(), rmse() or r2()");
  }

  static Quantities quantities(Outcomes outcomes, String metric) {
    if (outcomes instanceof Quantities quantities) {
      return quantities;
    }
    throw new UnsupportedException(
        metric + " is a metric of regressions, and this model predicts labels",
        "Use accuracy(), f1(), rocAuc() or logLoss()");
  }
}
