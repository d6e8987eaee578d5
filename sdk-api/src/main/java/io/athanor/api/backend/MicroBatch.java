package io.athanor.api.backend;

import io.athanor.api.common.Tensor;
import java.util.Map;

/**
 * The share of a batch that goes through the model at once.
 *
 * @param tensors a tensor for each input of the graph; further entries are ignored
 * @param weight number of scored elements, above 0: its share in the average over micro-batches
 */
public record MicroBatch(Map<String, Tensor> tensors, double weight) {
  public MicroBatch {
    tensors = Map.copyOf(tensors);
    if (!(weight > 0) || !Double.isFinite(weight)) {
      throw new IllegalArgumentException("weight must be above 0, got " + weight);
    }
  }
}
