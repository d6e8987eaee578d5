package io.athanor.eval.metric;

import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.eval.EvaluationReport.TestSet;
import io.athanor.api.eval.MetricValue;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;

/** An evaluation in progress, as a gate sees it. */
public interface TestRun {
  /** The rows. */
  TestSet test();

  /** How intervals are made. */
  Sampling sampling();

  /** What the model under evaluation predicted. */
  Outcomes outcomes();

  /**
   * Measures a metric of the model under evaluation.
   *
   * @throws io.athanor.api.error.UnsupportedException if it is a metric of another task
   */
  MetricValue measure(Metric metric);

  /** What another model predicts for the same rows. */
  Outcomes outcomesOf(ModelArtifact other);

  /** What another model predicts for the same rows. */
  Outcomes outcomesOf(Predictor other);
}
