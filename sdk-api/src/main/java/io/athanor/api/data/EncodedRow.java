package io.athanor.api.data;

import java.util.List;

/**
 * A row as numbers, before it is put together with others. Immutable; made by {@link
 * FeatureEncoding}.
 */
public final class EncodedRow {
  final float[] vector;
  final List<int[]> tokens;
  final List<float[]> images;
  final double target;

  EncodedRow(float[] vector, List<int[]> tokens, List<float[]> images, double target) {
    this.vector = vector;
    this.tokens = tokens;
    this.images = images;
    this.target = target;
  }

  /**
   * The length of the longest sequence; 0 without text. Rows of similar length make good batches.
   */
  public int length() {
    int longest = 0;
    for (int[] ids : tokens) {
      longest = Math.max(longest, ids.length);
    }
    return longest;
  }

  /** The encoded target: a class index or a standardised number; NaN where there was none. */
  public double target() {
    return target;
  }

  /** About how much memory it takes. */
  public long bytes() {
    long bytes = 64 + 4L * vector.length;
    for (int[] ids : tokens) {
      bytes += 16 + 4L * ids.length;
    }
    for (float[] image : images) {
      bytes += 16 + 4L * image.length;
    }
    return bytes;
  }
}
