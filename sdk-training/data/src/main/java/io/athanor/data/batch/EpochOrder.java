package io.athanor.data.batch;

import io.athanor.api.data.BatchOrder;
import io.athanor.data.split.Permutation;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Which rows each batch of an epoch holds.
 *
 * <p>Shuffled: a permutation from seed and epoch. With lengths, the permuted rows are then sorted
 * by length within windows of fifty batches, so that a batch needs little padding, and the batches
 * are shuffled again; only the smaller last batch keeps its place.
 */
final class EpochOrder {
  private static final long WINDOW = 50;

  private final int[] rows;
  private final int[] batches;
  private final int batchSize;

  private EpochOrder(int[] rows, int[] batches, int batchSize) {
    this.rows = rows;
    this.batches = batches;
    this.batchSize = batchSize;
  }

  static EpochOrder of(BatchOrder order, int count, Optional<int[]> lengths) {
    int size = order.batchSize();
    int[] rows = IntStream.range(0, count).toArray();
    int[] batches = IntStream.range(0, (int) ((count + (long) size - 1) / size)).toArray();
    if (order.shuffled()) {
      Permutation permutation = Permutation.of(order.seed(), order.epoch());
      permutation.shuffle(rows);
      if (lengths.isPresent()) {
        sortWindows(rows, lengths.get(), size * WINDOW);
        permutation.shuffle(batches, count / size);
      }
    }
    return new EpochOrder(rows, batches, size);
  }

  private static void sortWindows(int[] rows, int[] lengths, long window) {
    for (long from = 0; from < rows.length; from += window) {
      int begin = (int) from;
      int end = (int) Math.min(rows.length, from + window);
      long[] keys = new long[end - begin];
      for (int i = begin; i < end; i++) {
        keys[i - begin] = ((long) lengths[rows[i]] << 32) | (i - begin);
      }
      Arrays.sort(keys);
      int[] sorted = Arrays.stream(keys).mapToInt(key -> rows[begin + (int) key]).toArray();
      System.arraycopy(sorted, 0, rows, begin, sorted.length);
    }
  }

  int batches() {
    return batches.length;
  }

  /** The rows of a batch. */
  int[] rows(int batch) {
    int from = batches[batch] * batchSize;
    return Arrays.copyOfRange(rows, from, (int) Math.min(rows.length, from + (long) batchSize));
  }
}
