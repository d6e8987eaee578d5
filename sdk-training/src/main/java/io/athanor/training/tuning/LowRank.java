package io.athanor.training.tuning;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.Lora;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
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
              changed.put(name, sum(weights.tensor(name), b.floats(), a.floats(), factor));
            });
    return weights.with(Weights.of(changed));
  }

  /** {@code W + factor B A}. */
  private static Tensor sum(Tensor w, float[] b, float[] a, double factor) {
    int out = Math.toIntExact(w.size(0));
    int in = Math.toIntExact(w.size(1));
    int rank = a.length / in;
    FloatBuffer from = w.floatBuffer();
    ByteBuffer bytes = Tensor.allocate(DType.F32, w.elements());
    FloatBuffer to = bytes.asFloatBuffer();
    double[] row = new double[in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        row[i] = from.get();
      }
      for (int k = 0; k < rank; k++) {
        double share = factor * b[o * rank + k];
        for (int i = 0; i < in; i++) {
          row[i] += share * a[k * in + i];
        }
      }
      for (double value : row) {
        to.put((float) value);
      }
    }
    return Tensor.of(DType.F32, bytes, w.shape());
  }
}
