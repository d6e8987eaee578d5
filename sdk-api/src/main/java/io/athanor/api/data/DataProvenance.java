package io.athanor.api.data;

import io.athanor.api.common.Digest;
import java.util.List;
import java.util.Map;

/**
 * Where training rows came from and what was done to them.
 *
 * @param source a file, folder or other name
 * @param fingerprint digest of the source's content
 * @param rows number of rows before splitting
 * @param steps what was done, in order
 * @param splits number of rows in each split
 * @param seed of shuffling and splitting
 */
public record DataProvenance(
    String source,
    Digest fingerprint,
    long rows,
    List<Step> steps,
    Map<String, Long> splits,
    long seed) {
  public DataProvenance {
    steps = List.copyOf(steps);
    splits = Map.copyOf(splits);
  }

  /**
   * One thing done to the rows.
   *
   * @param name for example {@code "split"}
   * @param detail its settings in words
   * @param fingerprint digest of the rows after it
   */
  public record Step(String name, String detail, Digest fingerprint) {}
}
