package io.athanor.training.tuning;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Merged;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.Lora;
import java.util.LinkedHashMap;
import java.util.Map;

/** Low-rank matrices multiplied out. */
final class LowRank {
  private LowRank() {}

  /**
   * Weights with {@code sign scale B A} added to those of the adapter's layers, in doubles.
   *
   * @param sign 1 or -1
   */
  static Weights added(Weights weights, Lora lora, Adapter adapter, LinearLayers layers, int sign) {
    Weights matrices = Weights.of(adapter.tensors());
    Map<String, Tensor> changed = new LinkedHashMap<>();
    adapter
        .ranks()
        .forEach(
            (layer, rank) -> {
              String name = layers.weight(layer);
              Tensor a = matrices.tensor(layer + LoraRewrite.A);
              Tensor b = matrices.tensor(layer + LoraRewrite.B);
              double factor = sign * lora.scale(rank);
              changed.put(name, Merged.sum(weights.tensor(name), b, a, factor));
            });
    return weights.with(Weights.of(changed));
  }
}
