package io.athanor.data.batch;

import io.athanor.api.data.EncodedRow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Encoded rows, kept until a budget is used up; nothing is ever thrown out, so an epoch finds what
 * the one before left. Thread-safe.
 */
final class RowCache {
  private static final int SMALLEST_ROW = 64;

  private final AtomicReferenceArray<@Nullable EncodedRow> rows;
  private final AtomicLong left;

  RowCache(int count, long bytes) {
    this.rows = new AtomicReferenceArray<>((int) Math.min(count, bytes / SMALLEST_ROW));
    this.left = new AtomicLong(bytes);
  }

  @Nullable EncodedRow get(int index) {
    return index < rows.length() ? rows.get(index) : null;
  }

  void put(int index, EncodedRow row) {
    if (index < rows.length()
        && left.get() >= row.bytes()
        && rows.compareAndSet(index, null, row)) {
      left.addAndGet(-row.bytes());
    }
  }
}
