package io.athanor.api.data;

import java.util.List;

/**
 * What an architecture must fit: its inputs and its task. The graph declares one input for each
 * feature (two for tokens), the target input {@link #TARGET}, and the output {@link #OUTPUT}.
 *
 * @param features at least one
 * @param task what to predict
 */
public record Signature(List<Feature> features, Task task) {
  /**
   * The graph's target input: class indices {@code I64 [batch]} for classification, standardised
   * numbers {@code F32 [batch, 1]} for regression.
   */
  public static final String TARGET = "target";

  /**
   * The graph's output: logits {@code [batch, labels]} or standardised numbers {@code [batch, 1]}.
   */
  public static final String OUTPUT = "output";

  public Signature {
    features = List.copyOf(features);
    if (features.isEmpty()) {
      throw new IllegalArgumentException("features must not be empty");
    }
  }

  /** The size of the last axis of {@link #OUTPUT}. */
  public int outputSize() {
    return task instanceof Task.Classification c ? c.labels().size() : 1;
  }
}
