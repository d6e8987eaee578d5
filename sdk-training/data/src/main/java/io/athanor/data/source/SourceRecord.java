package io.athanor.data.source;

import io.athanor.api.error.FormatException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A record as its source has it, before cells get the types of their columns.
 *
 * @param source the file, or another name of where it came from
 * @param line counted from 1; the record's number where a source has no lines, 0 where a file holds
 *     one record
 * @param position where {@link RecordReader#seek} finds it again
 * @param raw its text, for people
 * @param cells each a {@link String}, a {@link Number} or {@link io.athanor.api.data.Pixels}; a
 *     missing cell is absent
 * @param problem why it is malformed, or null; then there are no cells
 */
public record SourceRecord(
    String source,
    long line,
    long position,
    String raw,
    Map<String, Object> cells,
    @Nullable FormatException problem) {

  /** A record that can be read. */
  public static SourceRecord of(
      String source, long line, long position, String raw, Map<String, Object> cells) {
    return new SourceRecord(source, line, position, raw, cells, null);
  }

  /** A record that cannot be read; the column is that to blame, if there is one. */
  public static SourceRecord malformed(
      String source,
      long line,
      long position,
      String raw,
      @Nullable String column,
      String problem) {
    return new SourceRecord(
        source, line, position, raw, Map.of(), new FormatException(source, line, column, problem));
  }
}
