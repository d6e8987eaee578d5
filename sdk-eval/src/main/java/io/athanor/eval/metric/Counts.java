package io.athanor.eval.metric;

import io.athanor.api.eval.Outcomes.Labels;
import java.util.Arrays;

/** Outcomes of a classifier counted by actual and predicted label. Not thread-safe. */
public final class Counts {
  private final int[] actualOfRow;
  private final int[] predictedOfRow;
  private final long[] right;
  private final long[] support;
  private final long[] predicted;

  public Counts(Labels outcomes) {
    this(new int[outcomes.rows()], new int[outcomes.rows()], outcomes.labels().size());
    for (int row = 0; row < actualOfRow.length; row++) {
      actualOfRow[row] = outcomes.actual(row);
      predictedOfRow[row] = outcomes.predicted(row);
    }
  }

  private Counts(int[] actualOfRow, int[] predictedOfRow, int labels) {
    this.actualOfRow = actualOfRow;
    this.predictedOfRow = predictedOfRow;
    this.right = new long[labels];
    this.support = new long[labels];
    this.predicted = new long[labels];
  }

  /** Counts of the same outcomes with memory of their own. */
  Counts fresh() {
    return new Counts(actualOfRow, predictedOfRow, support.length);
  }

  /** Counts every row as often as its weight says. */
  public void count(int[] weights) {
    Arrays.fill(right, 0);
    Arrays.fill(support, 0);
    Arrays.fill(predicted, 0);
    for (int row = 0; row < actualOfRow.length; row++) {
      int actual = actualOfRow[row];
      support[actual] += weights[row];
      predicted[predictedOfRow[row]] += weights[row];
      if (predictedOfRow[row] == actual) {
        right[actual] += weights[row];
      }
    }
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
    return ratio(right[label], predicted[label]);
  }

  /** Right among those that have the label; 0 where none has it, as scikit-learn has it. */
  public double recall(int label) {
    return ratio(right[label], support[label]);
  }

  /** Harmonic mean of precision and recall; 0 where the label is in neither. */
  public double f1(int label) {
    return ratio(2 * right[label], predicted[label] + support[label]);
  }

  boolean occurs(int label) {
    return support[label] + predicted[label] > 0;
  }

  double accuracy() {
    return ratio(Arrays.stream(right).sum(), Arrays.stream(support).sum());
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
