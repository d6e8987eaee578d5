package io.athanor.deploy.input;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.PictureDecoder;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns what a caller sends into a row of a model's schema. Every feature column must be given,
 * null where its cell is unknown; no other column may be. Immutable and thread-safe.
 *
 * <p>Whether the cells' content suits the model (a known category, a picture of the right size) is
 * for {@link FeatureEncoding#encode} to say.
 */
public final class RowReader {
  /** Names the caller's input in errors. */
  public static final String SOURCE = "input";

  private final Map<String, Encoder> encoders = new LinkedHashMap<>();
  private final Map<String, ColumnType> types = new LinkedHashMap<>();
  private final String target;

  public RowReader(FeatureEncoding encoding) {
    target = encoding.target().column();
    encoding.encoders().forEach(encoder -> encoders.put(encoder.column(), encoder));
    for (Column column : encoding.schema().features()) {
      types.put(column.name(), column.type());
    }
  }

  /**
   * A row of the model's only column, which holds text.
   *
   * @throws FormatException if the model reads anything else
   */
  public Row read(String text) {
    if (types.size() != 1 || !types.containsValue(ColumnType.TEXT)) {
      throw new FormatException(
          SOURCE,
          "the model does not read a single text; send an object with the columns " + types());
    }
    return Row.of(types.keySet().iterator().next(), text);
  }

  /**
   * A row of cells: numbers, strings, pixels or null.
   *
   * @throws FormatException if a column is missing or unknown, or if a cell is of another type
   */
  public Row read(Map<String, ? extends @Nullable Object> cells) {
    requireColumns(cells.keySet());
    cells.forEach(
        (column, cell) -> {
          if (cell != null && !fits(type(column), cell)) {
            throw fail(
                column,
                "expected "
                    + wanted(type(column))
                    + " or null, got a "
                    + cell.getClass().getSimpleName());
          }
        });
    return Row.of(cells);
  }

  /**
   * A row from JSON: an object of columns, or a string where the model's only column is text.
   * Pictures are files in Base64, in a format that {@link PictureDecoder} reads.
   *
   * @throws FormatException if a column is missing or unknown, or if a cell is of another type;
   *     names the column
   */
  public Row read(JsonNode input) {
    if (input.isTextual()) {
      return read(input.textValue());
    }
    if (!input.isObject()) {
      throw new FormatException(
          SOURCE,
          "expected an object with the columns " + types() + ", got " + JsonFields.describe(input));
    }
    List<String> names = new ArrayList<>();
    input.fieldNames().forEachRemaining(names::add);
    requireColumns(Set.copyOf(names));
    Map<String, @Nullable Object> cells = new LinkedHashMap<>();
    for (String name : names) {
      cells.put(name, cell(name, Objects.requireNonNull(input.get(name))));
    }
    return Row.of(cells);
  }

  /**
   * Checks that a row has no column the model does not know; its target may be there.
   *
   * @throws FormatException if it has; names the column
   */
  public void requireKnown(Row row) {
    for (String column : row.columns()) {
      if (!column.equals(target)) {
        requireKnown(column);
      }
    }
  }

  private @Nullable Object cell(String column, JsonNode value) {
    if (value.isNull()) {
      return null;
    }
    ColumnType type = type(column);
    if (type == ColumnType.NUMBER ? !value.isNumber() : !value.isTextual()) {
      throw fail(
          column, "expected " + wanted(type) + " or null, got " + JsonFields.describe(value));
    }
    if (type == ColumnType.NUMBER) {
      double number = value.doubleValue();
      if (!Double.isFinite(number)) {
        throw fail(column, "expected a finite number, got one beyond the range of a double");
      }
      return number;
    }
    return type == ColumnType.IMAGE ? picture(column, value.textValue()) : value.textValue();
  }

  private Pixels picture(String column, String base64) {
    byte[] file;
    try {
      file = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw fail(column, "expected a picture in Base64, got text that is not Base64");
    }
    int channels = ((Encoder.Image) Objects.requireNonNull(encoders.get(column))).channels();
    try {
      return PictureDecoder.DEFAULT.channels(channels).decode(file);
    } catch (IOException e) {
      throw fail(column, String.valueOf(e.getMessage()));
    }
  }

  private void requireColumns(Set<String> given) {
    given.forEach(this::requireKnown);
    for (String name : types.keySet()) {
      if (!given.contains(name)) {
        throw fail(name, "missing; send null if its value is unknown");
      }
    }
  }

  private void requireKnown(String column) {
    if (!types.containsKey(column)) {
      throw fail(column, "unknown column; the model reads " + types());
    }
  }

  private ColumnType type(String column) {
    return Objects.requireNonNull(types.get(column));
  }

  private String types() {
    List<String> all = new ArrayList<>();
    types.forEach((name, type) -> all.add(name + " (" + JsonFields.lower(type) + ")"));
    return String.join(", ", all);
  }

  private static boolean fits(ColumnType type, Object cell) {
    if (type == ColumnType.NUMBER) {
      return cell instanceof Number;
    }
    return type == ColumnType.IMAGE ? cell instanceof Pixels : cell instanceof String;
  }

  private static String wanted(ColumnType type) {
    if (type == ColumnType.NUMBER) {
      return "a number";
    }
    return type == ColumnType.IMAGE ? "a picture (PNG, JPEG, BMP or GIF in Base64)" : "a string";
  }

  private static FormatException fail(String column, String problem) {
    return new FormatException(SOURCE, 0, column, problem);
  }
}
