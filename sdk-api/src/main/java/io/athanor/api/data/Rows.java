package io.athanor.api.data;

import io.athanor.api.common.Digest;

/**
 * Records in a fixed order, read lazily by index. Thread-safe. Holds no open file between calls.
 */
public interface Rows {
  /** The columns. */
  Schema schema();

  /** The number of rows. */
  long size();

  /**
   * One row, target included where there is one.
   *
   * @param index in [0, size)
   * @throws io.athanor.api.error.FormatException if its content is not what the schema says
   * @throws io.athanor.api.error.StorageException if it cannot be read
   */
  Row row(long index);

  /** A digest of the content. */
  Digest fingerprint();
}
