package io.athanor.data.table;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.quality.DataProfile;
import io.athanor.data.quality.Profiler;
import io.athanor.data.quality.Quarantine;
import io.athanor.data.quality.QuarantineReport;
import io.athanor.data.quality.Tolerance;
import io.athanor.data.source.CellDigest;
import io.athanor.data.source.RecordReader;
import io.athanor.data.source.SourceRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The first pass over a source: positions, labels, digests and profile. Used by one thread. */
final class Scan {
  private static final int MOST_LABELS = 10_000;
  private static final int MOST_ROWS = Integer.MAX_VALUE - 8;

  final LongSequence positions = new LongSequence();
  final LongSequence lines = new LongSequence();
  String stamp = "";

  private final String source;
  private final Typing typing;
  private final Optional<String> labelColumn;
  private final Map<String, Integer> labels = new HashMap<>();
  private final LongSequence labelIds = new LongSequence();
  private final Map<String, Pixels> firstPictures = new HashMap<>();
  private final CellDigest content = new CellDigest();
  private final Profiler profiler;
  private Optional<QuarantineReport> quarantined = Optional.empty();
  private Optional<Facts> facts = Optional.empty();

  private record Facts(Digest source, Digest content, DataProfile profile) {}

  Scan(String source, Typing typing) {
    this.source = source;
    this.typing = typing;
    this.labelColumn =
        typing
            .schema()
            .target()
            .filter(column -> column.type() == ColumnType.CATEGORY)
            .map(Column::name);
    this.profiler = new Profiler(typing.schema());
  }

  /** Reads everything; the first malformed row is an error. */
  void strictly(RecordReader reader) {
    begin(reader);
    for (SourceRecord record = reader.next(); record != null; record = reader.next()) {
      add(record);
    }
    requireRows();
    facts = Optional.of(facts(reader));
  }

  /** Reads everything, malformed rows into quarantine; stops early where far too many are. */
  void tolerantly(RecordReader reader, Tolerance tolerance, OutputStream out) throws IOException {
    begin(reader);
    Quarantine quarantine = new Quarantine(tolerance, out);
    long rows = 0;
    SourceRecord record = reader.next();
    while (record != null) {
      rows++;
      try {
        add(record);
      } catch (FormatException e) {
        quarantine.add(e, record.raw());
      }
      record = quarantine.hopeless(rows) ? null : reader.next();
    }
    quarantined = Optional.of(quarantine.finish(rows));
    facts = Optional.of(facts(reader));
  }

  /** The error if more rows went into quarantine than tolerated, or all. */
  void requireTolerable(Tolerance tolerance) {
    QuarantineReport report = quarantined.orElseThrow();
    if (report.quarantined() > tolerance.most() * report.rows()) {
      throw new FormatException(
          source,
          "more than the share of "
              + tolerance.most()
              + " that is tolerated is malformed. "
              + report);
    }
    requireRows();
  }

  private void begin(RecordReader reader) {
    stamp = reader.stamp();
    List<String> available = reader.columns();
    for (Column column : typing.columns()) {
      if (!available.contains(column.name())) {
        throw new NotFoundException(
            "column '" + column.name() + "' in " + source, available, "Correct the name");
      }
    }
  }

  private void add(SourceRecord record) {
    Row row = typing.row(record);
    requireSameSize(record, row);
    if (positions.size() == MOST_ROWS) {
      throw new UnsupportedException(
          source + " has more than " + MOST_ROWS + " rows", "Split it into several datasets");
    }
    positions.add(record.position());
    lines.add(record.line());
    labelColumn.map(row::cell).ifPresent(label -> addLabel((String) label));
    profiler.add(row);
    for (Column column : typing.columns()) {
      content.cell(row.cell(column.name()));
    }
    content.endRow();
  }

  private void addLabel(String label) {
    Integer id = labels.putIfAbsent(label, labels.size());
    labelIds.add(id == null ? labels.size() - 1 : id);
    if (labels.size() > MOST_LABELS) {
      throw new ValidationException(
          "dataset",
          List.of(
              "column '"
                  + labelColumn.orElseThrow()
                  + "' has more than "
                  + MOST_LABELS
                  + " different labels; for numbers call estimate(...) instead of label(...)"));
    }
  }

  private void requireSameSize(SourceRecord record, Row row) {
    for (Column column : typing.columns()) {
      if (row.cell(column.name()) instanceof Pixels pixels) {
        Pixels first = firstPictures.putIfAbsent(column.name(), pixels);
        if (first != null
            && (first.width() != pixels.width()
                || first.height() != pixels.height()
                || first.channels() != pixels.channels())) {
          throw new FormatException(
              record.source(),
              record.line(),
              column.name(),
              "the first picture has "
                  + first
                  + ", this one has "
                  + pixels
                  + ". Make all of one size, or let the source resize them");
        }
      }
    }
  }

  private void requireRows() {
    if (positions.size() == 0) {
      throw new FormatException(source, "has no rows; expected at least one record of data");
    }
  }

  private Facts facts(RecordReader reader) {
    long setAside = quarantined.map(QuarantineReport::quarantined).orElse(0L);
    return new Facts(reader.fingerprint(), content.finish(), profiler.finish(source, setAside));
  }

  Digest sourceFingerprint() {
    return facts.orElseThrow().source();
  }

  Digest contentFingerprint() {
    return facts.orElseThrow().content();
  }

  DataProfile profile() {
    return facts.orElseThrow().profile();
  }

  Optional<QuarantineReport> quarantine() {
    return quarantined;
  }

  List<String> labels() {
    return labelColumn.isEmpty()
        ? List.of("every row")
        : labels.keySet().stream().sorted().toList();
  }

  int[] labelOfEachRow() {
    int[] sorted = new int[positions.size()];
    if (labelColumn.isPresent()) {
      int[] rank = new int[labels.size()];
      List<String> order = new ArrayList<>(labels());
      for (int i = 0; i < order.size(); i++) {
        Integer id = labels.get(order.get(i));
        rank[id == null ? 0 : id] = i;
      }
      for (int i = 0; i < sorted.length; i++) {
        sorted[i] = rank[(int) labelIds.get(i)];
      }
    }
    return sorted;
  }
}
