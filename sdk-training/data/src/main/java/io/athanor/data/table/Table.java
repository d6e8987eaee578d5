package io.athanor.data.table;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Schema;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.data.quality.DataProfile;
import io.athanor.data.quality.QuarantineReport;
import io.athanor.data.quality.Tolerance;
import io.athanor.data.source.DataSource;
import io.athanor.data.source.RecordReader;
import io.athanor.data.source.SourceRecord;
import java.util.List;
import java.util.Optional;

/**
 * The rows of a source, found and checked in one pass. Keeps 20 bytes for each row; the rows
 * themselves stay in the source. Immutable and thread-safe.
 */
public final class Table {
  private final DataSource source;
  private final Typing typing;
  private final Scan scan;

  private Table(DataSource source, Typing typing, Scan scan) {
    this.source = source;
    this.typing = typing;
    this.scan = scan;
  }

  /**
   * Reads a source once from end to end.
   *
   * @param tolerance what to do with malformed rows; without it the first one is an error
   * @throws FormatException at the first malformed row, or if too many are
   */
  public static Table read(DataSource source, Schema schema, Optional<Tolerance> tolerance) {
    Typing typing = new Typing(schema);
    Scan scan = new Scan(source.name(), typing);
    if (tolerance.isEmpty()) {
      try (RecordReader reader = source.open()) {
        scan.strictly(reader);
      }
    } else {
      AtomicFile.write(
          tolerance.get().file(),
          AtomicFile.streaming(
              out -> {
                try (RecordReader reader = source.open()) {
                  scan.tolerantly(reader, tolerance.get(), out);
                }
              }));
      scan.requireTolerable(tolerance.get());
    }
    return new Table(source, typing, scan);
  }

  /** The source's name. */
  public String source() {
    return source.name();
  }

  public Schema schema() {
    return typing.schema();
  }

  /** The digest of the source's content. */
  public Digest sourceFingerprint() {
    return scan.sourceFingerprint();
  }

  /** The digest of the rows, quarantined ones left out. */
  Digest contentFingerprint() {
    return scan.contentFingerprint();
  }

  public DataProfile profile() {
    return scan.profile();
  }

  /** Present in tolerant mode. */
  public Optional<QuarantineReport> quarantine() {
    return scan.quarantine();
  }

  /** The labels, sorted; without a label column one that stands for every row. */
  public List<String> labels() {
    return scan.labels();
  }

  /** For each row the index of its label in {@link #labels}. */
  public int[] labelOfEachRow() {
    return scan.labelOfEachRow();
  }

  public int size() {
    return scan.positions.size();
  }

  /** All rows. */
  public IndexedRows rows() {
    return new IndexedRows(this, Optional.empty());
  }

  /**
   * Some of the rows.
   *
   * @param indices of the rows, in the order wanted; not copied
   */
  public IndexedRows rows(int[] indices) {
    return new IndexedRows(this, Optional.of(indices));
  }

  /** Opens the source to read rows in any order. The caller closes it. */
  Cursor open() {
    return new Cursor();
  }

  /** An open source. Used by one thread. */
  final class Cursor implements AutoCloseable {
    private final RecordReader reader = source.open();

    private Cursor() {
      if (!reader.stamp().equals(scan.stamp)) {
        reader.close();
        throw new StorageException(
            source.name(), "has changed since this dataset read it first. Make a new dataset");
      }
    }

    LocatedRow row(int index) {
      reader.seek(scan.positions.get(index));
      SourceRecord record = reader.next();
      if (record == null) {
        throw new StorageException(
            source.name(), "row " + index + " is gone since this dataset read it first");
      }
      long line = scan.lines.get(index);
      SourceRecord placed =
          new SourceRecord(
              record.source(),
              line,
              record.position(),
              record.raw(),
              record.cells(),
              record.problem());
      return new LocatedRow(typing.row(placed), record.source(), line);
    }

    @Override
    public void close() {
      reader.close();
    }
  }
}
