package io.athanor.pipeline;

import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.MetricValue;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What compression saved and what it cost, on the same rows. Immutable and thread-safe.
 *
 * @param bytes of the artifact's folder on disk
 * @param latency median milliseconds of a prediction of one row, encoding included, with its
 *     interval
 * @param speedup median latency before, divided by that after; above 1 where it became faster
 * @param before the evaluation of the model as it was, without gates
 * @param after the evaluation of the compressed one, with the gates' decisions
 * @param changes what became of each metric
 */
public record CompressionReport(
    BeforeAfter<Long> bytes,
    BeforeAfter<Estimate> latency,
    Estimate speedup,
    EvaluationReport before,
    EvaluationReport after,
    List<Change> changes) {
  /**
   * A quantity of both models.
   *
   * @param before of the model as it was
   * @param after of the compressed one
   */
  public record BeforeAfter<T>(T before, T after) {}

  /**
   * A metric of both models on the same rows.
   *
   * @param before of the model as it was
   * @param after of the compressed one
   * @param difference after less before, with the interval of the paired bootstrap; absent where
   *     the metric is undefined
   */
  public record Change(MetricValue before, MetricValue after, Optional<Estimate> difference) {}

  public CompressionReport {
    changes = List.copyOf(changes);
  }

  /** Whether every gate passed. */
  public boolean passed() {
    return after.passed();
  }

  /** How many times smaller the folder became. */
  public double compression() {
    return bytes.before() / (double) bytes.after();
  }

  /** The table as Markdown, and what the gates decided. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("| | before | after | change |\n|---|---:|---:|---:|\n");
    row(
        text,
        "size on disk, MB",
        number(bytes.before() / 1e6, 2),
        number(bytes.after() / 1e6, 2),
        number(compression(), 2) + " times smaller");
    row(
        text,
        "median latency of one row, ms",
        interval(latency.before(), 3),
        interval(latency.after(), 3),
        interval(speedup, 2) + " times as fast");
    for (Change change : changes) {
      row(
          text,
          change.before().title(),
          change.before().estimate().map(e -> interval(e, 4)).orElse("undefined"),
          change.after().estimate().map(e -> interval(e, 4)).orElse("undefined"),
          change.difference().map(e -> interval(e, 4)).orElse("undefined"));
    }
    text.append('\n');
    for (GateDecision decision : after.decisions()) {
      text.append(decision.kind()).append(": ").append(decision.gate()).append(". ");
      text.append(decision.sentence()).append('\n');
    }
    return text.toString();
  }

  private static void row(StringBuilder text, String name, String... cells) {
    text.append("| ").append(name).append(" | ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String number(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }

  private static String interval(Estimate estimate, int digits) {
    return number(estimate.value(), digits)
        + " ("
        + number(estimate.low(), digits)
        + " to "
        + number(estimate.high(), digits)
        + ")";
  }
}
