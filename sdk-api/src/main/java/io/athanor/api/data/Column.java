package io.athanor.api.data;

/**
 * A named, typed column.
 *
 * @param name unique within its schema
 * @param type what its cells hold
 */
public record Column(String name, ColumnType type) {
  public Column {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name must not be blank");
    }
  }
}
