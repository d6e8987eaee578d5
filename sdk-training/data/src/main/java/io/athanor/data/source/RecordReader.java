package io.athanor.data.source;

import io.athanor.api.common.Digest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One pass over a {@link DataSource}. Used by one thread at a time. */
public interface RecordReader extends AutoCloseable {
  /** The columns that exist, in the source's order. */
  List<String> columns();

  /**
   * The next record, malformed ones included; null at the end.
   *
   * @throws io.athanor.api.error.StorageException if it cannot be read
   */
  @Nullable SourceRecord next();

  /** Goes to the record with this {@link SourceRecord#position}. */
  void seek(long position);

  /**
   * A digest of the whole content. Only for a reader that was never moved and has come to its end.
   */
  Digest fingerprint();

  /** A short text that differs when the content has changed, for example size and time. */
  String stamp();

  @Override
  void close();
}
