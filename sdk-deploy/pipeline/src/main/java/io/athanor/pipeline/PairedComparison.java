package io.athanor.pipeline;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Evidence;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.eval.Evaluation;
import io.athanor.eval.Metrics;
import io.athanor.eval.gate.NoWorseThan;
import io.athanor.eval.metric.Numbers;
import io.athanor.eval.metric.OutcomeMetric;
import io.athanor.registry.ModelRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Two registered versions held against each other row by row: on rows that are given, or by the
 * outcomes that their evaluation reports keep. Immutable and thread-safe.
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
   * Compares two versions by what their evaluation reports keep of each row: by accuracy and macro
   * F1, or by mean absolute and root mean square error.
   *
   * @throws ValidationException if the reports are about different rows or tasks
   * @throws UnsupportedException if a version has no report with the outcome of each row
   */
  public static PairedComparison of(
      ModelRegistry registry, ModelVersion first, ModelVersion second) {
    EvaluationReport before = report(registry, first);
    EvaluationReport after = report(registry, second);
    String problem = difference(first, before.subject().task(), second, after.subject().task());
    if (problem.isEmpty() && !before.test().fingerprint().equals(after.test().fingerprint())) {
      problem =
          "the reports are about different rows: "
              + before.test().fingerprint().brief()
              + " and "
              + after.test().fingerprint().brief()
              + ". Evaluate both on the same rows";
    }
    require(first, second, problem);
    return judged(first, second, before, after);
  }

  /**
   * Compares two versions on rows, on the only backend of the class path; see {@link
   * #of(ModelVersion, ModelVersion, Rows, Backend)}.
   *
   * @throws io.athanor.api.error.NotFoundException if there is no backend
   */
  public static PairedComparison of(ModelVersion first, ModelVersion second, Rows rows) {
    try (Backend opened = Backends.installed().only().open(BackendOptions.defaults())) {
      return of(first, second, rows, opened);
    }
  }

  /**
   * Lets two versions predict the same rows, and compares them by accuracy and macro F1, or by mean
   * absolute and root mean square error.
   *
   * @param rows that neither learned from, target included
   * @param backend to predict on; stays open
   * @throws ValidationException if the versions predict different columns, one labels and the other
   *     numbers, or the rows lack columns that one of them reads
   * @throws UnsupportedException if they are language models, which predict no column
   * @throws io.athanor.api.error.AthanorException as {@link ModelVersion#artifact()} and {@link
   *     Evaluation#run()} do
   */
  public static PairedComparison of(
      ModelVersion first, ModelVersion second, Rows rows, Backend backend) {
    ModelArtifact one = first.artifact();
    ModelArtifact other = second.artifact();
    require(first, second, difference(first, one.task(), second, other.task()));
    return judged(
        first,
        second,
        evaluated(first, one, rows, backend),
        evaluated(second, other, rows, backend));
  }

  private static EvaluationReport evaluated(
      ModelVersion version, ModelArtifact model, Rows rows, Backend backend) {
    if (!(model.task() instanceof Task.Classification || model.task() instanceof Task.Regression)) {
      throw new UnsupportedException(
          "a paired comparison of " + version.id() + ", which predicts no column of rows",
          "Compare language models by Perplexity on the same texts");
    }
    return Evaluation.of(model, rows)
        .metrics(metrics(model.task() instanceof Task.Classification))
        .timedCalls(0)
        .backend(backend)
        .run();
  }

  private static OutcomeMetric[] metrics(boolean labels) {
    return labels
        ? new OutcomeMetric[] {Metrics.accuracy(), Metrics.f1().macro()}
        : new OutcomeMetric[] {Metrics.mae(), Metrics.rmse()};
  }

  /** Why two tasks cannot be compared; empty if they can. Classifiers may know other labels. */
  private static String difference(ModelVersion first, Task one, ModelVersion second, Task other) {
    if (one.getClass() != other.getClass()) {
      return "the versions are for different tasks: "
          + first.id()
          + " for "
          + one.getClass().getSimpleName()
          + " and "
          + second.id()
          + " for "
          + other.getClass().getSimpleName();
    }
    return one.target().equals(other.target())
        ? ""
        : "the versions predict different columns: "
            + first.id()
            + " predicts '"
            + one.target()
            + "' and "
            + second.id()
            + " '"
            + other.target()
            + "'";
  }

  private static void require(ModelVersion first, ModelVersion second, String problem) {
    if (!problem.isEmpty()) {
      throw new ValidationException(
          "comparison of " + first.id() + " and " + second.id(), List.of(problem));
    }
  }

  private static PairedComparison judged(
      ModelVersion first, ModelVersion second, EvaluationReport before, EvaluationReport after) {
    Outcomes outcomes = after.outcomes().orElseThrow();
    NoWorseThan[] gates =
        Stream.of(metrics(outcomes instanceof Outcomes.Labels))
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
                    "Give the rows: PairedComparison.of(first, second, rows)"));
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
