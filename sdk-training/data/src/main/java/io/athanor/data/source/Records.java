package io.athanor.data.source;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Row;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Records that are in memory already. Immutable and thread-safe. */
public final class Records implements DataSource {
  private final String name;
  private final List<Row> rows;

  private Records(String name, List<Row> rows) {
    this.name = name;
    this.rows = rows;
  }

  /** A copy of these rows. */
  public static Records of(List<Row> rows) {
    return new Records("rows in memory", List.copyOf(rows));
  }

  /** Rows made of objects, for example {@code mail -> Row.of(Map.of("body", mail.body()))}. */
  public static <T> Records of(Iterable<T> objects, Function<? super T, Row> row) {
    return of(
        java.util.stream.StreamSupport.stream(objects.spliterator(), false).<Row>map(row).toList());
  }

  /** The same rows under a name for errors and provenance. */
  public Records named(String newName) {
    return new Records(newName, rows);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public RecordReader open() {
    return new Reader();
  }

  private final class Reader implements RecordReader {
    private int next;

    @Override
    public List<String> columns() {
      Set<String> columns = new LinkedHashSet<>();
      rows.forEach(row -> columns.addAll(row.columns()));
      return List.copyOf(columns);
    }

    @Override
    public @Nullable SourceRecord next() {
      if (next == rows.size()) {
        return null;
      }
      Row row = rows.get(next);
      Map<String, Object> cells = new LinkedHashMap<>();
      for (String column : row.columns()) {
        cells.put(column, Objects.requireNonNull(row.cell(column)));
      }
      next++;
      return SourceRecord.of(name, next, next - 1, row.toString(), cells);
    }

    @Override
    public void seek(long position) {
      next = Math.toIntExact(position);
    }

    @Override
    public Digest fingerprint() {
      CellDigest digest = new CellDigest();
      for (Row row : rows) {
        row.columns().stream()
            .sorted()
            .forEach(column -> digest.text(column).cell(row.cell(column)));
        digest.endRow();
      }
      return digest.finish();
    }

    @Override
    public String stamp() {
      return "";
    }

    @Override
    public void close() {}
  }
}
