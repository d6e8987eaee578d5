package io.athanor.api.data;

/**
 * Which batches, in which order. Equal orders over equal rows give equal batches, so epoch and
 * batch index are all a checkpoint needs to go on.
 *
 * @param batchSize rows in a batch, at least 1; the last batch may have fewer
 * @param shuffled whether rows are permuted, differently in each epoch
 * @param seed of the permutation
 * @param epoch counted from 0
 * @param first index of the first batch to give, counted from 0
 */
public record BatchOrder(int batchSize, boolean shuffled, long seed, int epoch, long first) {
  public BatchOrder {
    if (batchSize < 1 || epoch < 0 || first < 0) {
      throw new IllegalArgumentException(
          "batchSize must be at least 1, epoch and first at least 0, got "
              + batchSize
              + ", "
              + epoch
              + ", "
              + first);
    }
  }

  /** Every row once, in its own order. */
  public static BatchOrder sequential(int batchSize) {
    return new BatchOrder(batchSize, false, 0, 0, 0);
  }

  /** A permutation of its own for each epoch. */
  public static BatchOrder shuffled(int batchSize, long seed, int epoch) {
    return new BatchOrder(batchSize, true, seed, epoch, 0);
  }

  /** The same order from a later batch on. */
  public BatchOrder from(long batch) {
    return new BatchOrder(batchSize, shuffled, seed, epoch, batch);
  }
}
