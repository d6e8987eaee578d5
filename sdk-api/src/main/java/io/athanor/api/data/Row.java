package io.athanor.api.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The cells of one record by column name: a {@link Double}, a {@link String} or a {@link Pixels}
 * each. A missing cell is absent. Immutable.
 */
public final class Row {
  private final Map<String, Object> cells;

  private Row(Map<String, Object> cells) {
    this.cells = cells;
  }

  /**
   * A row of some cells; any {@link Number} becomes a double, and null is a missing cell.
   *
   * @throws IllegalArgumentException if a cell is of another type
   */
  public static Row of(Map<String, ? extends @Nullable Object> cells) {
    Map<String, Object> copy = new LinkedHashMap<>();
    cells.forEach(
        (name, cell) -> {
          if (cell instanceof Number number) {
            copy.put(name, number.doubleValue());
          } else if (cell instanceof String || cell instanceof Pixels) {
            copy.put(name, cell);
          } else if (cell != null) {
            throw new IllegalArgumentException(
                "cell '"
                    + name
                    + "' must be a number, a string or pixels, got "
                    + cell.getClass().getSimpleName());
          }
        });
    return new Row(Collections.unmodifiableMap(copy));
  }

  /** A row of one cell. */
  public static Row of(String column, Object cell) {
    return of(Map.of(column, cell));
  }

  /** The cell, or null if it is missing. */
  public @Nullable Object cell(String column) {
    return cells.get(column);
  }

  /** Names of the columns that have a cell. */
  public Set<String> columns() {
    return cells.keySet();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Row that && cells.equals(that.cells);
  }

  @Override
  public int hashCode() {
    return cells.hashCode();
  }

  @Override
  public String toString() {
    return cells.toString();
  }
}
