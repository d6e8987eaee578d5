package io.athanor.api.data;

import java.util.List;

/** What a model is to predict. */
public sealed interface Task {
  /** The name of the column it predicts. */
  String target();

  /**
   * One label of several.
   *
   * @param target the column
   * @param labels at least two, in the order of the model's logits
   */
  record Classification(String target, List<String> labels) implements Task {
    public Classification {
      labels = List.copyOf(labels);
      if (labels.size() < 2) {
        throw new IllegalArgumentException("labels must be at least two, got " + labels);
      }
    }
  }

  /**
   * A number.
   *
   * @param target the column
   */
  record Regression(String target) implements Task {}

  /**
   * The next token of a text.
   *
   * @param target what is learned to be said, for example {@code "text"} or {@code "completion"}
   */
  record Generation(String target) implements Task {}

  /**
   * The better one of two answers, by direct preference optimisation.
   *
   * @param target what tells the better from the worse
   * @param beta above 0; the smaller, the further the model may move from its reference
   */
  record PreferenceRanking(String target, double beta) implements Task {
    public PreferenceRanking {
      positive("beta", beta);
    }
  }

  /**
   * A vector for a text, near those of texts that belong to it.
   *
   * @param target what belongs to a text
   * @param temperature above 0; the smaller, the more the nearest wrong ones count
   */
  record Embedding(String target, double temperature) implements Task {
    public Embedding {
      positive("temperature", temperature);
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, got " + value);
    }
  }
}
