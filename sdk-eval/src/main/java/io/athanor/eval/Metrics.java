package io.athanor.eval;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.eval.gate.NoWorseThan;
import io.athanor.eval.metric.Accuracy;
import io.athanor.eval.metric.AreaMetric;
import io.athanor.eval.metric.CalibrationError;
import io.athanor.eval.metric.ClassMetric;
import io.athanor.eval.metric.ErrorMetric;
import io.athanor.eval.metric.Latency;
import io.athanor.eval.metric.LogLoss;
import io.athanor.eval.metric.Throughput;
import java.util.Optional;

/** The metrics, and the gate against a champion, for static import. */
public final class Metrics {
  private Metrics() {}

  /** The share of right labels: {@code "accuracy"}. */
  public static Accuracy accuracy() {
    return new Accuracy();
  }

  /** Precision: {@code "precision"}; see {@link ClassMetric} for which label. */
  public static ClassMetric precision() {
    return new ClassMetric(ClassMetric.Kind.PRECISION);
  }

  /** Recall: {@code "recall"}; see {@link ClassMetric} for which label. */
  public static ClassMetric recall() {
    return new ClassMetric(ClassMetric.Kind.RECALL);
  }

  /**
   * F1: {@code "f1"}. That of the rarer label where there are two, macro where there are more;
   * {@code f1().of("spam")}, {@code f1().macro()} and {@code f1().micro()} say it outright.
   */
  public static ClassMetric f1() {
    return new ClassMetric(ClassMetric.Kind.F1);
  }

  /** Area under the ROC curve: {@code "roc-auc"}. */
  public static AreaMetric rocAuc() {
    return new AreaMetric(AreaMetric.Curve.ROC);
  }

  /** Average precision: {@code "pr-auc"}. */
  public static AreaMetric prAuc() {
    return new AreaMetric(AreaMetric.Curve.PRECISION_RECALL);
  }

  /** Mean negative log-probability of the actual label: {@code "log-loss"}. */
  public static LogLoss logLoss() {
    return new LogLoss();
  }

  /** Expected calibration error: {@code "ece"}. */
  public static CalibrationError calibrationError() {
    return new CalibrationError();
  }

  /** Mean absolute error: {@code "mae"}. */
  public static ErrorMetric mae() {
    return new ErrorMetric(ErrorMetric.Kind.MAE);
  }

  /** Root mean squared error: {@code "rmse"}. */
  public static ErrorMetric rmse() {
    return new ErrorMetric(ErrorMetric.Kind.RMSE);
  }

  /** Coefficient of determination: {@code "r2"}. */
  public static ErrorMetric r2() {
    return new ErrorMetric(ErrorMetric.Kind.R2);
  }

  /** A quantile of single-row latency: {@code "latency.p95"}. */
  public static Latency latency(int percent) {
    return new Latency(percent);
  }

  /** Rows a second in batches: {@code "throughput"}. */
  public static Throughput throughput() {
    return new Throughput();
  }

  /** A gate against another model, evaluated on the same rows. */
  public static NoWorseThan noWorseThan(ModelArtifact champion) {
    return NoWorseThan.model(champion);
  }

  /** A gate against a model that is already running. */
  public static NoWorseThan noWorseThan(Predictor champion) {
    return NoWorseThan.predictor(champion);
  }

  /** A gate against a stored report of the same rows. */
  public static NoWorseThan noWorseThan(EvaluationReport champion) {
    return NoWorseThan.report(champion);
  }

  /**
   * A gate against the champion if there is one; the first model passes.
   *
   * @param champion a {@link ModelArtifact}, {@link Predictor} or {@link EvaluationReport}
   */
  public static NoWorseThan noWorseThan(Optional<?> champion) {
    Object there = champion.orElse(null);
    if (there == null) {
      return NoWorseThan.nothing();
    }
    if (there instanceof ModelArtifact model) {
      return NoWorseThan.model(model);
    }
    if (there instanceof Predictor predictor) {
      return NoWorseThan.predictor(predictor);
    }
    if (there instanceof EvaluationReport report) {
      return NoWorseThan.report(report);
    }
    throw new IllegalArgumentException(
        "champion must be a model, a predictor or a report, got " + there.getClass().getName());
  }
}
