package io.athanor.api.backend;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
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
}
