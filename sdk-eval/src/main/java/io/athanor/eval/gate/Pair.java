package io.athanor.eval.gate;

import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.eval.Outcomes.Labels;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Outcomes of two models on the same rows. Classifiers may know different labels: both are brought
 * to the labels of either, with probability 0 for those a model does not know.
 *
 * @param challenger the model under evaluation
 * @param champion the model it is held against
 */
record Pair(Outcomes challenger, Outcomes champion) {
  static Pair of(Outcomes challenger, Outcomes champion) {
    if (challenger instanceof Labels a && champion instanceof Labels b) {
      Set<String> union = new LinkedHashSet<>(a.labels());
      union.addAll(b.labels());
      List<String> labels = new ArrayList<>(union);
      Labels first = aligned(a, labels);
      Labels second = aligned(b, labels);
      for (int row = 0; row < first.rows(); row++) {
        requireSame(first.actual(row) == second.actual(row), row);
      }
      return new Pair(first, second);
    }
    if (challenger instanceof Outcomes.Quantities a && champion instanceof Outcomes.Quantities b) {
      for (int row = 0; row < a.rows(); row++) {
        requireSame(a.actual(row) == b.actual(row), row);
      }
      return new Pair(a, b);
    }
    throw new ValidationException(
        "comparison with the champion",
        List.of("one model predicts labels and the other numbers; compare models of one task"));
  }

  private static void requireSame(boolean same, int row) {
    if (!same) {
      throw new ValidationException(
          "comparison with the champion",
          List.of("the actual target of row " + row + " differs between the two evaluations"));
    }
  }

  private static Labels aligned(Labels outcomes, List<String> labels) {
    if (outcomes.labels().equals(labels)) {
      return outcomes;
    }
    int width = labels.size();
    int[] to = outcomes.labels().stream().mapToInt(labels::indexOf).toArray();
    int[] actual = new int[outcomes.rows()];
    float[] probabilities = new float[Math.multiplyExact(outcomes.rows(), width)];
    for (int row = 0; row < actual.length; row++) {
      actual[row] = to[outcomes.actual(row)];
      for (int label = 0; label < to.length; label++) {
        probabilities[row * width + to[label]] = (float) outcomes.probability(row, label);
      }
    }
    return new Labels(labels, actual, probabilities);
  }
}
