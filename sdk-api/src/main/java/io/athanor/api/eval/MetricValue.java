package io.athanor.api.eval;

import io.athanor.api.error.ValidationException;
import java.util.List;
import java.util.Optional;

/**
 * One metric of a report.
 *
 * @param name for example {@code "accuracy"}, {@code "f1[spam]"} or {@code "latency.p95"}
 * @param title the same for people
 * @param better which way is better
 * @param unit for example {@code "ms"}; empty for a plain number
 * @param estimate absent where the metric is undefined on these rows; the note says why
 * @param note a sentence on how to read it; may be empty
 */
public record MetricValue(
    String name,
    String title,
    Better better,
    String unit,
    Optional<Estimate> estimate,
    String note) {
  /** Which way a metric gets better. */
  public enum Better {
    HIGHER,
    LOWER
  }

  public MetricValue {
    if (estimate.isEmpty() && note.isBlank()) {
      throw new IllegalArgumentException("note must say why there is no estimate");
    }
  }

  /**
   * The measured number.
   *
   * @throws ValidationException if the metric is undefined on these rows
   */
  public double value() {
    return defined().value();
  }

  /**
   * Lower end of the confidence interval.
   *
   * @throws ValidationException if the metric is undefined on these rows
   */
  public double low() {
    return defined().low();
  }

  /**
   * Upper end of the confidence interval.
   *
   * @throws ValidationException if the metric is undefined on these rows
   */
  public double high() {
    return defined().high();
  }

  private Estimate defined() {
    return estimate.orElseThrow(
        () -> new ValidationException("metric '" + name + "'", List.of("undefined: " + note)));
  }
}
