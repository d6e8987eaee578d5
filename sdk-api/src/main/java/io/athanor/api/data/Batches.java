package io.athanor.api.data;

import java.util.Iterator;

/** A source of batches over a fixed set of rows. Thread-safe. */
public interface Batches {
  /** The number of rows; an epoch sees each once. */
  long rows();

  /** The number of batches in an epoch. */
  default long count(int batchSize) {
    return (rows() + batchSize - 1) / batchSize;
  }

  /**
   * Begins an epoch. The caller closes the stream.
   *
   * @throws io.athanor.api.error.FormatException on the first row that is not what it should be
   */
  Stream open(BatchOrder order);

  /** Batches in order; may prepare the next while one is used. One caller at a time. */
  interface Stream extends Iterator<Batch>, AutoCloseable {
    @Override
    void close();
  }
}
