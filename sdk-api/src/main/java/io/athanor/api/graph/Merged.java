package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A model for prediction whose low-rank paths (Hu et al. 2021) were added to the matrices that they
 * stand beside: {@code x W^T + s (x A^T) B^T} became {@code x (W + s B A)^T}, one product instead
 * of three, with the same result up to rounding. Paths of which each row chooses one stay, and
 * those of other number formats. A model without any is given as it is, but for what only training
 * needs.
 *
 * @param graph without targets and loss
 * @param weights of that graph
 */
public record Merged(Graph graph, Weights weights) {
  /**
   * Merges the paths of a model.
   *
   * @throws io.athanor.api.error.GraphException if the weights do not fit the graph
   */
  public static Merged of(Graph graph, Weights weights) {
    Graph predicting = graph.forPrediction();
    weights.requireFit(predicting);
    Map<String, LowRankPath> paths = LowRankPath.bySum(predicting);
    paths.values().removeIf(path -> !path.matrices().allMatch(m -> inFloats(weights.tensor(m))));
    if (paths.isEmpty()) {
      return new Merged(predicting, weights);
    }
    Map<String, Tensor> sums = new HashMap<>();
    for (LowRankPath path : paths.values()) {
      Tensor matrix = weights.tensor(path.matrix());
      sums.put(
          path.matrix(),
          sum(matrix, weights.tensor(path.b()), weights.tensor(path.a()), path.factor()));
    }
    Graph merged =
        new Rewrite(predicting) {
          @Override
          protected Value node(Node node) {
            LowRankPath path = paths.get(node.name());
            return path == null ? same(node) : value(path.layer());
          }
        }.rewritten().forPrediction();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : merged.parameters()) {
      String name = parameter.name();
      Tensor sum = sums.get(name);
      tensors.put(name, sum == null ? weights.tensor(name) : sum);
    }
    return new Merged(merged, Weights.of(tensors));
  }

  private static boolean inFloats(Tensor matrix) {
    return matrix.dtype() == DType.F32;
  }

  /**
   * {@code W + factor B A}, computed in doubles.
   *
   * @param w F32 {@code [out, in]}
   * @param b F32 {@code [out, rank]}
   * @param a F32 {@code [rank, in]}
   */
  public static Tensor sum(Tensor w, Tensor b, Tensor a, double factor) {
    int out = Math.toIntExact(w.size(0));
    int in = Math.toIntExact(w.size(1));
    int rank = Math.toIntExact(a.size(0));
    float[] left = b.floats();
    float[] right = a.floats();
    FloatBuffer from = w.floatBuffer();
    ByteBuffer bytes = Tensor.allocate(DType.F32, w.elements());
    FloatBuffer to = bytes.asFloatBuffer();
    double[] row = new double[in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        row[i] = from.get();
      }
      for (int k = 0; k < rank; k++) {
        double share = factor * left[o * rank + k];
        for (int i = 0; i < in; i++) {
          row[i] += share * right[k * in + i];
        }
      }
      for (double value : row) {
        to.put((float) value);
      }
    }
    return Tensor.of(DType.F32, bytes, w.shape());
  }
}
