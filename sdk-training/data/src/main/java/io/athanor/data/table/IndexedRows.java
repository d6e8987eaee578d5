package io.athanor.data.table;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Column;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Schema;
import io.athanor.data.source.CellDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a {@link Table}, all or some. When rows are asked for one after the other, the next few
 * are read ahead, a mebibyte or so at most.
 */
public final class IndexedRows implements Rows {
  private static final int AHEAD = 64;
  private static final long AHEAD_EXTENT = 1 << 20;

  private final Table table;
  private final Optional<int[]> selection;
  private volatile Page page = new Page(0, List.of());
  private volatile @Nullable Digest fingerprint;

  private record Page(long first, List<LocatedRow> rows) {
    @Nullable LocatedRow row(long index) {
      long at = index - first;
      return at >= 0 && at < rows.size() ? rows.get((int) at) : null;
    }

    boolean endsBefore(long index) {
      return first + rows.size() == index;
    }
  }

  IndexedRows(Table table, Optional<int[]> selection) {
    this.table = table;
    this.selection = selection;
  }

  @Override
  public Schema schema() {
    return table.schema();
  }

  @Override
  public long size() {
    return selection.map(indices -> indices.length).orElse(table.size());
  }

  @Override
  public Row row(long index) {
    if (index < 0 || index >= size()) {
      throw new IndexOutOfBoundsException("index must be in [0, " + size() + "), got " + index);
    }
    Page current = page;
    LocatedRow found = current.row(index);
    if (found == null) {
      Page next = read(index, current.endsBefore(index) ? AHEAD : 1);
      page = next;
      found = next.rows().get(0);
    }
    return found.row();
  }

  private Page read(long first, int most) {
    List<LocatedRow> rows = new ArrayList<>(most);
    long end = Math.min(first + most, size());
    long extent = 0;
    try (Reading reading = open()) {
      for (long i = first; i < end && extent < AHEAD_EXTENT; i++) {
        LocatedRow row = reading.row((int) i);
        rows.add(row);
        extent += extent(row.row());
      }
    }
    return new Page(first, rows);
  }

  /** Characters and pixel values. */
  private static long extent(Row row) {
    long extent = 0;
    for (String column : row.columns()) {
      Object cell = row.cell(column);
      if (cell instanceof String text) {
        extent += text.length();
      } else if (cell instanceof Pixels pixels) {
        extent += (long) pixels.width() * pixels.height() * pixels.channels();
      }
    }
    return extent;
  }

  /** Every row in order. */
  public void forEach(Consumer<LocatedRow> consumer) {
    try (Reading reading = open()) {
      for (int i = 0; i < size(); i++) {
        consumer.accept(reading.row(i));
      }
    }
  }

  /** Opens the source to read many rows in any order. The caller closes it. */
  public Reading open() {
    Table.Cursor cursor = table.open();
    return new Reading() {
      @Override
      public LocatedRow row(int index) {
        return cursor.row(selection.map(indices -> indices[index]).orElse(index));
      }

      @Override
      public void close() {
        cursor.close();
      }
    };
  }

  /** Rows from an open source. Used by one thread. */
  public interface Reading extends AutoCloseable {
    /** The row with this index in [0, size). */
    LocatedRow row(int index);

    @Override
    void close();
  }

  /** The digest of the rows' cells in order; equal rows have equal digests wherever they are. */
  @Override
  public Digest fingerprint() {
    Digest known = fingerprint;
    if (known == null) {
      known = selection.isPresent() ? digestRows() : table.contentFingerprint();
      fingerprint = known;
    }
    return known;
  }

  private Digest digestRows() {
    CellDigest digest = new CellDigest();
    forEach(
        located -> {
          for (Column column : schema().columns()) {
            digest.cell(located.row().cell(column.name()));
          }
          digest.endRow();
        });
    return digest.finish();
  }
}
