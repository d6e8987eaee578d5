package io.athanor.data.quality;

import java.nio.file.Path;

/**
 * How malformed rows are put up with.
 *
 * @param file where they go, as JSON Lines; replaced if it exists
 * @param most share of the rows that may be malformed, above 0 and at most 1
 */
public record Tolerance(Path file, double most) {
  public Tolerance {
    if (!(most > 0 && most <= 1)) {
      throw new IllegalArgumentException("most must be above 0 and at most 1, got " + most);
    }
  }
}
