package io.athanor.api.data;

import io.athanor.api.common.Tensor;
import java.util.Map;

/**
 * Rows as tensors.
 *
 * @param tensors one for each input of the signature, target included
 * @param rows how many rows
 * @param scored how many targets count in the loss
 */
public record Batch(Map<String, Tensor> tensors, int rows, long scored) {
  public Batch {
    tensors = Map.copyOf(tensors);
  }
}
