package io.athanor.data.table;

import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import io.athanor.api.error.FormatException;
import io.athanor.data.source.SourceRecord;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Gives the cells of a record the types of a schema. Thread-safe. */
final class Typing {
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d{1,4})?");
  private static final int SHOWN = 60;

  private final Schema schema;
  private final List<Column> columns;
  private final List<Column> required;

  Typing(Schema schema) {
    this.schema = schema;
    this.columns = schema.columns();
    this.required =
        columns.stream()
            .filter(column -> isTarget(column) || column.type() == ColumnType.IMAGE)
            .toList();
  }

  private boolean isTarget(Column column) {
    return schema.target().filter(column::equals).isPresent();
  }

  Schema schema() {
    return schema;
  }

  /** Features and target. */
  List<Column> columns() {
    return columns;
  }

  /**
   * The typed row.
   *
   * @throws FormatException if the record is malformed or a cell is not what its column holds
   */
  Row row(SourceRecord record) {
    if (record.problem() != null) {
      throw record.problem();
    }
    Map<String, Object> cells = new LinkedHashMap<>();
    for (Column column : columns) {
      Object cell = record.cells().get(column.name());
      Object typed = cell == null ? null : new Cell(record, column, cell).typed();
      if (typed != null) {
        cells.put(column.name(), typed);
      }
    }
    requirePresent(record, cells);
    return Row.of(cells);
  }

  private void requirePresent(SourceRecord record, Map<String, Object> cells) {
    for (Column column : required) {
      if (!cells.containsKey(column.name())) {
        throw new FormatException(
            record.source(),
            record.line(),
            column.name(),
            (isTarget(column) ? "the row has no value to learn" : "the row has no picture")
                + ". Fill the cell, remove the row, or let tolerant(...) set such rows aside");
      }
    }
  }

  private record Cell(SourceRecord record, Column column, Object value) {
    @Nullable Object typed() {
      return switch (column.type()) {
        case NUMBER -> number();
        case CATEGORY, TEXT -> text();
        case IMAGE -> image();
      };
    }

    private @Nullable Double number() {
      double number;
      if (value instanceof Number given) {
        number = given.doubleValue();
      } else if (value instanceof String text) {
        String stripped = text.strip();
        if (stripped.isEmpty()) {
          return null;
        }
        if (!NUMBER.matcher(stripped).matches()) {
          throw fail("expected a finite number, got '" + shown(stripped) + "'" + hint(stripped));
        }
        number = Double.parseDouble(stripped);
      } else {
        throw fail("expected a number, got a picture");
      }
      if (!Double.isFinite(number)) {
        throw fail("expected a finite number, got '" + shown(value.toString()) + "'");
      }
      return number;
    }

    private static String hint(String text) {
      if (text.matches("[+-]?\\d+,\\d+")) {
        return ". Write decimals with a point";
      }
      return ". Leave the cell empty if the value is missing, or declare the column a category";
    }

    private String text() {
      if (value instanceof Pixels) {
        throw fail("expected text, got a picture");
      }
      if (value instanceof Double number && number == Math.rint(number)) {
        return new BigDecimal(number).toPlainString();
      }
      return value.toString();
    }

    private Pixels image() {
      if (value instanceof Pixels pixels) {
        return pixels;
      }
      throw fail("expected a picture, got '" + shown(value.toString()) + "'");
    }

    private static String shown(String text) {
      return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    private FormatException fail(String problem) {
      return new FormatException(record.source(), record.line(), column.name(), problem);
    }
  }
}
