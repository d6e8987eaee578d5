package io.athanor.eval.metric;

import java.util.List;

/**
 * How long predictions took, warm-up left out.
 *
 * @param calls nanoseconds of each single-row prediction
 * @param batches the timed batches
 */
public record Speed(List<Long> calls, List<TimedBatch> batches) {
  /** Nothing was timed. */
  public static final Speed NONE = new Speed(List.of(), List.of());

  public Speed {
    calls = List.copyOf(calls);
    batches = List.copyOf(batches);
  }

  /**
   * One batch.
   *
   * @param rows how many rows
   * @param nanos how long they took together
   */
  public record TimedBatch(int rows, long nanos) {}
}
