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
  /**
   * A further tensor {@code I64 [batch]} of batches of text, no input of any graph: which example
   * each row was made of, counted from 0 in sequential order. Both answers of a preference, and all
   * parts of a long document, have the same number. Rows of several documents have none.
   */
  public static final String EXAMPLE = "example";

  public Batch {
    tensors = Map.copyOf(tensors);
  }
}
