package io.athanor.pipeline;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.eval.Evaluation;
import io.athanor.eval.Metrics;
import io.athanor.eval.gate.NoWorseThan;
import io.athanor.eval.metric.Numbers;
import io.athanor.eval.metric.OutcomeMetric;
import io.athanor.registry.ModelRegistry;
import java.util.ArrayList;
import java.util.List;

/**
 * Two registered versions held against each other row by row, by the outcomes that their evaluation
 * reports keep. Immutable and thread-safe.
 *
 * @param first the one
 * @param second the other
 * @param metrics the second against the first; a difference above 0 says that the second is better
 */
public record PairedComparison(
    ModelVersion first, ModelVersion second, List<Evidence.Comparison> metrics) {
  public PairedComparison {
    metrics = List.copyOf(metrics);
  }

  /**
   * Compares two versions by accuracy and macro F1, or by mean absolute and root mean square error.
   *
   * @throws ValidationException if the reports are about different rows or tasks
   * @throws UnsupportedException if a version has no report with the outcome of each row
   */
  public static PairedComparison of(
      ModelRegistry registry, ModelVersion first, ModelVersion second) {
    EvaluationReport before = report(registry, first);
    EvaluationReport after = report(registry, second);
    if (!before.test().fingerprint().equals(after.test().fingerprint())) {
      throw new ValidationException(
          "comparison of " + first.id() + " and " + second.id(),
          List.of(
              "the reports are about different rows: "
                  + before.test().fingerprint().brief()
                  + " and "
                  + after.test().fingerprint().brief()
                  + ". Evaluate both on the same rows"));
    }
    Outcomes outcomes = after.outcomes().orElseThrow();
    List<OutcomeMetric> by =
        outcomes instanceof Outcomes.Labels
            ? List.of(Metrics.accuracy(), Metrics.f1().macro())
            : List.of(Metrics.mae(), Metrics.rmse());
    NoWorseThan[] gates =
        by.stream()
            .map(metric -> Metrics.noWorseThan(before).by(metric))
            .toArray(NoWorseThan[]::new);
    EvaluationReport judged =
        Evaluation.of(after.subject().task().target(), outcomes, after.test().fingerprint())
            .gate(gates)
            .run();
    List<Evidence.Comparison> compared = new ArrayList<>();
    for (GateDecision decision : judged.decisions()) {
      if (decision.evidence() instanceof Evidence.Comparison comparison) {
        compared.add(comparison);
      }
    }
    return new PairedComparison(first, second, compared);
  }

  private static EvaluationReport report(ModelRegistry registry, ModelVersion version) {
    return registry
        .report(version)
        .filter(report -> report.outcomes().isPresent())
        .orElseThrow(
            () ->
                new UnsupportedException(
                    "a paired comparison of "
                        + version.id()
                        + ", which has no report with the outcome of each row",
                    "Evaluate both models on the same rows, with the gate noWorseThan(first)"));
  }

  /** A sentence for each metric. */
  public List<String> sentences() {
    return metrics.stream().map(this::sentence).toList();
  }

  private String sentence(Evidence.Comparison by) {
    double low = by.difference().low();
    double high = by.difference().high();
    String verdict =
        low > 0
            ? second.id() + " is better than " + first.id()
            : high < 0
                ? second.id() + " is worse than " + first.id()
                : "these rows do not tell " + second.id() + " from " + first.id();
    return "By "
        + by.metric()
        + ", "
        + verdict
        + ": "
        + Numbers.brief(by.champion())
        + " and "
        + Numbers.brief(by.challenger())
        + ", difference "
        + Numbers.brief(by.difference().value())
        + " (90 % interval "
        + Numbers.brief(low)
        + " to "
        + Numbers.brief(high)
        + ") on "
        + by.rows()
        + " rows.";
  }

  @Override
  public String toString() {
    return String.join("\n", sentences());
  }
}
