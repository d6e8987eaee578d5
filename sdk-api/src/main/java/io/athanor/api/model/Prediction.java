package io.athanor.api.model;

import java.util.List;

/** What a model says about one row. */
public sealed interface Prediction {
  /**
   * A label.
   *
   * @param label the most likely one
   * @param confidence its probability, in [0, 1]
   * @param probabilities of every label, most likely first
   */
  record Label(String label, double confidence, List<Alternative> probabilities)
      implements Prediction {
    public Label {
      probabilities = List.copyOf(probabilities);
    }

    /** The other labels, most likely first. */
    public List<Alternative> alternatives() {
      return probabilities.subList(1, probabilities.size());
    }

    /**
     * The probability of a label.
     *
     * @throws IllegalArgumentException if the model does not know it
     */
    public double probability(String of) {
      return probabilities.stream()
          .filter(p -> p.label().equals(of))
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException("label must be known, got '" + of + "'"))
          .probability();
    }
  }

  /**
   * A label with its probability.
   *
   * @param label the label
   * @param probability in [0, 1]
   */
  record Alternative(String label, double probability) {}

  /**
   * A number, in the unit of the target column.
   *
   * @param value the estimate
   */
  record Quantity(double value) implements Prediction {}
}
