package io.athanor.data.transform;

import io.athanor.api.data.Column;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Schema;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.ValidationException;
import io.athanor.data.table.Table;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Whether an encoding that was fitted to other rows can encode these. */
public final class EncodingMatch {
  private EncodingMatch() {}

  /**
   * Checks the columns and their types, and every label.
   *
   * @throws ValidationException if the encoding cannot; lists every column that differs, or every
   *     unknown label with the number of its rows
   */
  public static void require(FeatureEncoding encoding, Table table) {
    List<String> problems = columnProblems(encoding.schema(), table.schema());
    if (problems.isEmpty() && encoding.target() instanceof TargetEncoder.Label target) {
      problems.addAll(labelProblems(target, table));
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("use of an encoding for other data", problems);
    }
  }

  private static List<String> columnProblems(Schema expected, Schema actual) {
    List<String> problems = new ArrayList<>();
    Map<String, Column> there = new LinkedHashMap<>();
    actual.features().forEach(column -> there.put(column.name(), column));
    for (Column column : expected.features()) {
      Column found = there.remove(column.name());
      if (found == null) {
        problems.add("the encoding reads " + describe(column) + ", which the dataset lacks");
      } else if (found.type() != column.type()) {
        problems.add(
            "the encoding reads "
                + describe(column)
                + ", the dataset has a "
                + type(found)
                + " there");
      }
    }
    for (Column column : there.values()) {
      problems.add("the encoding does not read " + describe(column) + "; leave it out");
    }
    Column target = expected.target().orElseThrow();
    Optional<Column> found = actual.target();
    if (!found.equals(Optional.of(target))) {
      problems.add(
          "the encoding's target is "
              + describe(target)
              + ", the dataset's is "
              + found.map(EncodingMatch::describe).orElse("none"));
    }
    return problems;
  }

  private static List<String> labelProblems(TargetEncoder.Label target, Table table) {
    Set<String> known = new HashSet<>(target.labels());
    List<String> labels = table.labels();
    int[] counts = new int[labels.size()];
    for (int label : table.labelOfEachRow()) {
      counts[label]++;
    }
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0 && !known.contains(labels.get(i))) {
        problems.add(
            ("column '%s' has the label '%s' in %d of %d rows, and the encoding knows only %s;"
                    + " correct these rows, leave them out, or train a new model")
                .formatted(
                    target.column(), labels.get(i), counts[i], table.size(), target.labels()));
      }
    }
    return problems;
  }

  private static String describe(Column column) {
    return "the " + type(column) + " column '" + column.name() + "'";
  }

  private static String type(Column column) {
    return column.type().name().toLowerCase(Locale.ROOT);
  }
}
