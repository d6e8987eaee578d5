package io.athanor.api.data;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The columns of some rows: what a model sees, and what it is to predict.
 *
 * @param features at least one
 * @param target a {@link ColumnType#CATEGORY} to classify or a {@link ColumnType#NUMBER} to
 *     estimate
 */
public record Schema(List<Column> features, Optional<Column> target) {
  public Schema {
    features = List.copyOf(features);
    if (features.isEmpty()) {
      throw new IllegalArgumentException("features must not be empty");
    }
    Set<String> names = new HashSet<>();
    for (Column column : columns(features, target)) {
      if (!names.add(column.name())) {
        throw new IllegalArgumentException("two columns are called '" + column.name() + "'");
      }
    }
  }

  /** Features and target. */
  public List<Column> columns() {
    return columns(features, target);
  }

  private static List<Column> columns(List<Column> features, Optional<Column> target) {
    List<Column> all = new ArrayList<>(features);
    target.ifPresent(all::add);
    return List.copyOf(all);
  }
}
