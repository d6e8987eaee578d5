package io.athanor.data.source;

/**
 * Where records come from. Implement it to bring data of another kind. Thread-safe; any number of
 * readers may be open at once.
 */
public interface DataSource {
  /** Names it in errors and provenance, for example a file. */
  String name();

  /**
   * Opens a pass that begins at the first record. The caller closes it.
   *
   * @throws io.athanor.api.error.StorageException if it cannot be read
   * @throws io.athanor.api.error.FormatException if it has no records, or nothing can be made of it
   */
  RecordReader open();
}
