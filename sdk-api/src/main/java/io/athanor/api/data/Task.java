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
}
