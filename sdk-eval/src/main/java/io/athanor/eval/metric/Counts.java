package io.athanor.eval.metric;

import io.athanor.api.eval.Outcomes.Labels;
import java.util.Arrays;

/** Outcomes of a classifier counted by actual and predicted label. Not thread-safe. */
public final class Counts {
  private final int labels;
  private final int[] cellOfRow;
  private final long[] cells;
  private final long[] support;
  private final long[] predicted;

  public Counts(Labels outcomes) {
    this.labels = outcomes.labels().size();
    this.cellOfRow = new int[outcomes.rows()];
    for (int row = 0; row < cellOfRow.length; row++) {
      cellOfRow[row] = outcomes.actual(row) * labels + outcomes.predicted(row);
    }
    this.cells = new long[labels * labels];
    this.support = new long[labels];
    this.predicted = new long[labels];
  }

  private Counts(Counts other) {
    this.labels = other.labels;
    this.cellOfRow = other.cellOfRow;
    this.cells = new long[labels * labels];
    this.support = new long[labels];
    this.predicted = new long[labels];
  }

  /** Counts of the same outcomes with memory of their own. */
  Counts fresh() {
    return new Counts(this);
  }

  /** Counts every row as often as its weight says. */
  public void count(int[] weights) {
    Arrays.fill(cells, 0);
    for (int row = 0; row < cellOfRow.length; row++) {
      cells[cellOfRow[row]] += weights[row];
    }
    Arrays.fill(support, 0);
    Arrays.fill(predicted, 0);
    for (int a = 0; a < labels; a++) {
      for (int p = 0; p < labels; p++) {
        support[a] += cells[a * labels + p];
        predicted[p] += cells[a * labels + p];
      }
    }
  }

  /** Rows of this actual and this predicted label. */
  public long cell(int actual, int predicted) {
    return cells[actual * labels + predicted];
  }

  /** Rows that have a label. */
  public long support(int label) {
    return support[label];
  }

  /** Rows a label was predicted for. */
  public long predicted(int label) {
    return predicted[label];
  }

  /** Right among predicted; 0 where it was never predicted, as scikit-learn has it. */
  public double precision(int label) {
    return ratio(cell(label, label), predicted[label]);
  }

  /** Right among those that have the label; 0 where none has it, as scikit-learn has it. */
  public double recall(int label) {
    return ratio(cell(label, label), support[label]);
  }

  /** Harmonic mean of precision and recall; 0 where the label is in neither. */
  public double f1(int label) {
    return ratio(2 * cell(label, label), predicted[label] + support[label]);
  }

  boolean occurs(int label) {
    return support[label] + predicted[label] > 0;
  }

  double accuracy() {
    long right = 0;
    long rows = 0;
    for (int label = 0; label < labels; label++) {
      right += cell(label, label);
      rows += support[label];
    }
    return ratio(right, rows);
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
