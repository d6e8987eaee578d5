package io.athanor.registry.archive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.registry.store.TableRows;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A row of a table as one line of JSON; numbers that JSON does not have are texts. */
final class RowJson {
  private RowJson() {}

  static String write(Map<String, @Nullable Object> row) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    row.forEach(
        (column, value) -> {
          if (value instanceof Long number) {
            json.put(column, number);
          } else if (value instanceof Double number && Double.isFinite(number)) {
            json.put(column, number);
          } else {
            json.put(column, value == null ? null : value.toString());
          }
        });
    return json.toString();
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws FormatException if it is not a row of the table
   */
  static Map<String, @Nullable Object> read(String source, TableRows.Table table, String line) {
    JsonFields json = JsonFields.parse(source, line);
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    for (TableRows.Column column : table.columns()) {
      String name = column.name();
      row.put(name, json.node(name).isNull() ? null : value(json, column));
    }
    json.requireNoMore();
    return row;
  }

  private static Object value(JsonFields json, TableRows.Column column) {
    return switch (column.kind()) {
      case NUMBER -> json.integer(column.name());
      case TEXT -> json.text(column.name());
      case REAL -> real(json, json.node(column.name()), column.name());
    };
  }

  private static double real(JsonFields json, JsonNode value, String name) {
    if (!value.isTextual()) {
      return json.number(name);
    }
    return switch (value.textValue()) {
      case "Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      default -> throw json.fail("'" + name + "' must be a number, got " + value);
    };
  }
}
