package io.athanor.eval.metric;

/**
 * A number computed from units (rows, calls or batches) that each count a whole number of times.
 * All ones give the metric itself; the multiplicities of a draw with replacement give a bootstrap
 * replicate. Immutable and thread-safe.
 *
 * @param title the metric for people, for example {@code "F1 of 'spam'"}
 * @param note a sentence on how to read it; may be empty
 * @param units how many there are
 * @param undefined why the function can have no value on some draws
 * @param function from weights to the number; NaN where it has none
 */
public record Statistic(String title, String note, int units, String undefined, Function function) {
  /** From how often each unit counts to a number. */
  @FunctionalInterface
  public interface Function {
    double value(int[] weights);
  }

  Statistic(String title, String note, int units, Function function) {
    this(title, note, units, "there is nothing to measure", function);
  }

  /** The number where unit {@code i} counts {@code weights[i]} times; NaN where undefined. */
  public double value(int[] weights) {
    return function.value(weights);
  }
}
