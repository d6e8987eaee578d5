package io.athanor.api.eval;

import java.util.List;

/**
 * Actual and predicted target of every test row, in the order of the rows. Kept with a report, it
 * lets a later model be tested against this one pair by pair. Immutable.
 */
public sealed interface Outcomes {
  /** The number of rows. */
  int rows();

  /** Outcomes of a classifier. */
  final class Labels implements Outcomes {
    private final List<String> labels;
    private final int[] actual;
    private final float[] probabilities;
    private final int[] predicted;

    /**
     * @param labels in the model's order
     * @param actual a label's index for each row
     * @param probabilities row-major {@code [rows, labels]}, each in [0, 1]
     * @throws IllegalArgumentException if sizes, indices or probabilities are out of range
     */
    public Labels(List<String> labels, int[] actual, float[] probabilities) {
      this.labels = List.copyOf(labels);
      this.actual = actual.clone();
      this.probabilities = probabilities.clone();
      int width = labels.size();
      if (width < 2 || (long) actual.length * width != probabilities.length) {
        throw new IllegalArgumentException(
            "probabilities must be rows x labels = "
                + actual.length
                + " x "
                + width
                + ", got "
                + probabilities.length);
      }
      this.predicted = new int[actual.length];
      for (int row = 0; row < actual.length; row++) {
        if (actual[row] < 0 || actual[row] >= width) {
          throw new IllegalArgumentException(
              "actual[" + row + "] must be in [0, " + width + "), got " + actual[row]);
        }
        for (int label = 0; label < width; label++) {
          float p = probabilities[row * width + label];
          if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException(
                "probabilities of row " + row + " must be in [0, 1], got " + p);
          }
          if (p > probabilities[row * width + predicted[row]]) {
            predicted[row] = label;
          }
        }
      }
    }

    @Override
    public int rows() {
      return actual.length;
    }

    /** The labels, in the model's order. */
    public List<String> labels() {
      return labels;
    }

    /** Index of a row's actual label. */
    public int actual(int row) {
      return actual[row];
    }

    /** Index of the most likely label; the first one of equals. */
    public int predicted(int row) {
      return predicted[row];
    }

    /** Whether the most likely label is the actual one. */
    public boolean correct(int row) {
      return predicted[row] == actual[row];
    }

    /** The probability of a label, by index. */
    public double probability(int row, int label) {
      return probabilities[row * labels.size() + label];
    }

    /** The probability of the predicted label. */
    public double confidence(int row) {
      return probability(row, predicted[row]);
    }
  }

  /** Outcomes of a regression. */
  final class Quantities implements Outcomes {
    private final double[] actual;
    private final double[] predicted;

    /**
     * @param actual one finite number for each row
     * @param predicted likewise
     * @throws IllegalArgumentException if sizes differ or a number is not finite
     */
    public Quantities(double[] actual, double[] predicted) {
      this.actual = actual.clone();
      this.predicted = predicted.clone();
      if (actual.length != predicted.length) {
        throw new IllegalArgumentException(
            "predicted must hold " + actual.length + " numbers, got " + predicted.length);
      }
      for (int row = 0; row < actual.length; row++) {
        if (!Double.isFinite(actual[row]) || !Double.isFinite(predicted[row])) {
          throw new IllegalArgumentException(
              "row "
                  + row
                  + " must hold finite numbers, got actual "
                  + actual[row]
                  + " and predicted "
                  + predicted[row]);
        }
      }
    }

    @Override
    public int rows() {
      return actual.length;
    }

    /** A row's actual number. */
    public double actual(int row) {
      return actual[row];
    }

    /** A row's predicted number. */
    public double predicted(int row) {
      return predicted[row];
    }
  }
}
