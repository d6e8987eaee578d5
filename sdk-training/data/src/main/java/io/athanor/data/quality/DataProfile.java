package io.athanor.data.quality;

import java.util.ArrayList;
import java.util.List;

/**
 * What the rows of a dataset look like; {@link #toString} prints a table.
 *
 * @param source where they are from
 * @param rows how many, without quarantined ones
 * @param quarantined how many were malformed
 * @param columns one for each column, features first
 */
public record DataProfile(String source, long rows, long quarantined, List<ColumnProfile> columns) {
  public DataProfile {
    columns = List.copyOf(columns);
  }

  /**
   * The profile of a column.
   *
   * @throws IllegalArgumentException if there is no such column
   */
  public ColumnProfile column(String name) {
    return columns.stream()
        .filter(column -> column.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("name must be a column's, got '" + name + "'"));
  }

  /** What deserves a look, one sentence each; may be empty. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    for (ColumnProfile column : columns) {
      String name = "column '" + column.name() + "' ";
      if (column.missing() == rows) {
        warnings.add(name + "is empty");
      } else if (column.missing() * 2 > rows) {
        warnings.add(name + "is empty in more than half of the rows");
      }
      if (column instanceof ColumnProfile.Numbers numbers && numbers.deviation() == 0) {
        warnings.add(name + "always holds " + numbers.mean() + " and tells a model nothing");
      }
      if (column instanceof ColumnProfile.Categories categories && categories.distinct() == 1) {
        warnings.add(name + "has one category only");
      }
    }
    return List.copyOf(warnings);
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder(source).append(": ").append(rows).append(" rows, ").append(quarantined);
    text.append(" quarantined\n");
    int width = columns.stream().mapToInt(column -> column.name().length()).max().orElse(1);
    for (ColumnProfile column : columns) {
      text.append("  ").append(column.name()).append(" ".repeat(width - column.name().length()));
      text.append("  ").append(column).append(", missing ").append(column.missing()).append('\n');
    }
    warnings().forEach(warning -> text.append("  ! ").append(warning).append('\n'));
    return text.toString();
  }
}
