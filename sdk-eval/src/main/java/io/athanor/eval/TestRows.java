package io.athanor.eval;

import io.athanor.api.data.Column;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport.TestSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The labelled rows of an evaluation, checked on the way out. */
final class TestRows {
  private static final long MOST_ROWS = 50_000_000;

  private final Rows rows;
  private final String target;

  TestRows(Rows rows, String target) {
    this.rows = rows;
    this.target = target;
    if (rows.size() == 0) {
      throw new ValidationException(
          "test rows", List.of("there are none; an evaluation needs at least one labelled row"));
    }
    if (rows.size() > MOST_ROWS) {
      throw new UnsupportedException(
          rows.size() + " test rows are more than the " + MOST_ROWS + " kept in memory",
          "Evaluate on a sample of them");
    }
  }

  int size() {
    return (int) rows.size();
  }

  TestSet testSet() {
    return new TestSet(rows.fingerprint(), rows.size());
  }

  /** Checks that a model finds its columns here; reports all that are missing together. */
  void requireColumnsOf(FeatureEncoding encoding) {
    Map<String, Column> here = new LinkedHashMap<>();
    rows.schema().columns().forEach(column -> here.put(column.name(), column));
    List<String> problems = new ArrayList<>();
    for (Column wanted : encoding.schema().columns()) {
      Column found = here.get(wanted.name());
      if (found == null) {
        problems.add("column '" + wanted.name() + "' is missing");
      } else if (found.type() != wanted.type()) {
        problems.add(
            "column '" + wanted.name() + "' must be " + wanted.type() + ", is " + found.type());
      }
    }
    if (!problems.isEmpty()) {
      problems.add("the rows have " + here.keySet());
      throw new ValidationException("test rows for this model", problems);
    }
  }

  /** A row's features. */
  Row features(int index) {
    Row row = rows.row(index);
    Map<String, Object> cells = new LinkedHashMap<>();
    for (String column : row.columns()) {
      Object cell = row.cell(column);
      if (cell != null && !column.equals(target)) {
        cells.put(column, cell);
      }
    }
    return Row.of(cells);
  }

  /** Index of a row's actual label. */
  int label(int index, List<String> labels) {
    Object cell = target(index);
    int label = labels.indexOf(cell);
    if (label < 0) {
      throw new FormatException(
          name(index),
          0,
          target,
          "label '" + cell + "' is not one the model knows: " + labels + ". Correct the row");
    }
    return label;
  }

  /** Labels of a model, followed by those that only the rows have. */
  List<String> labelsWith(Task.Classification task) {
    List<String> labels = new ArrayList<>(task.labels());
    for (int index = 0; index < size(); index++) {
      String cell = String.valueOf(target(index));
      if (!labels.contains(cell)) {
        labels.add(cell);
      }
    }
    return labels;
  }

  /** A row's actual number. */
  double number(int index) {
    Object cell = target(index);
    if (cell instanceof Double number && Double.isFinite(number)) {
      return number;
    }
    throw new FormatException(
        name(index), 0, target, "expected a finite number, got '" + cell + "'");
  }

  private Object target(int index) {
    Object cell = rows.row(index).cell(target);
    if (cell == null) {
      throw new FormatException(
          name(index),
          0,
          target,
          "has no target, and an evaluation needs one in every row. Label the row or leave it out");
    }
    return cell;
  }

  String name(int index) {
    return "test row " + index + " (counted from 0)";
  }
}
