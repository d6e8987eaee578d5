package io.athanor.api.backend;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Weights;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All that decides how training goes on, beside the frozen parameters.
 *
 * @param weights every trained parameter and every statistic; frozen parameters are left out
 * @param optimizer F32 moments of every trained parameter by name: {@code "momentum/PARAMETER"} for
 *     SGD, {@code "first/PARAMETER"} and {@code "second/PARAMETER"} for Adam and AdamW, zeros
 *     before the first step; the same on every backend
 * @param steps optimizer steps taken
 * @param seed of the random stream; with {@code steps} it is the whole random state
 */
public record TrainingState(Weights weights, Map<String, Tensor> optimizer, long steps, long seed) {
  public TrainingState {
    optimizer = Collections.unmodifiableMap(new LinkedHashMap<>(optimizer));
  }

  /**
   * Checks that this state is of a graph and an optimizer.
   *
   * @param learned shapes of the weights it must have
   * @param moments shapes of the optimizer's tensors it must have
   * @throws GraphException if a tensor is missing, too much, not F32 or of another shape
   */
  public void requireFit(Map<String, long[]> learned, Map<String, long[]> moments) {
    requireFit("weights", learned, weights.tensors());
    requireFit("optimizer state", moments, optimizer);
  }

  private static void requireFit(
      String what, Map<String, long[]> wanted, Map<String, Tensor> given) {
    if (!wanted.keySet().equals(given.keySet())) {
      throw new GraphException(
          what,
          "expected the tensors "
              + wanted.keySet()
              + ", got "
              + given.keySet()
              + "; the state is of another graph or optimizer");
    }
    given.forEach(
        (name, tensor) -> {
          long[] shape = wanted.get(name);
          if (tensor.dtype() != DType.F32 || !Arrays.equals(tensor.shape(), shape)) {
            throw new GraphException(
                name, "expected F32" + Arrays.toString(shape) + " in the state, got " + tensor);
          }
        });
  }
}
