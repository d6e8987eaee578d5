package io.athanor.api.graph;

import io.athanor.api.common.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations on matrices of whole numbers from -127 to 127, a row of which stands for its numbers
 * times a scale of its own. They are for prediction: training refuses them. Where an engine has no
 * such operation, {@link Widened} says the same in those it has.
 */
public sealed interface QuantizedOp extends Op {
  /** Name of a frozen parameter of {@link DType#I8}: the matrix. */
  String weight();

  /** Name of a frozen parameter {@code F32 [rows of the matrix]}. */
  String scale();

  /** The same on a matrix of floats, which has the name of this one. */
  LayerOp widened();

  /**
   * {@code y = x (s * W)^T + b}, where row {@code i} of {@code s * W} is {@code s[i] W[i]}. Input
   * {@code [.., in]}, result {@code [.., out]}. An engine may round each row of the input to 8 bits
   * on the way, which moves the result by about one in a hundred of its largest number.
   *
   * @param weight parameter {@code I8 [out, in]}
   * @param scale parameter {@code [out]}
   * @param bias parameter {@code [out]}, or null
   */
  record QuantizedLinear(String weight, String scale, @Nullable String bias)
      implements QuantizedOp {
    @Override
    public List<String> parameters() {
      List<String> names = new ArrayList<>(List.of(weight, scale));
      if (bias != null) {
        names.add(bias);
      }
      return names;
    }

    @Override
    public TensorType infer(Inference at) {
      at.parameter(scale, at.parameter(weight, null, null).dim(0));
      return widened().infer(at);
    }

    @Override
    public LayerOp widened() {
      return new LayerOp.Linear(weight, bias);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.quantizedLinear(node, this);
    }
  }

  /**
   * Rows of a table: {@code s[id] W[id]}. Input ids {@code I64 [..]}, each in [0, rows); result
   * {@code [.., size]}.
   *
   * @param weight parameter {@code I8 [rows, size]}
   * @param scale parameter {@code [rows]}
   */
  record QuantizedEmbedding(String weight, String scale) implements QuantizedOp {
    @Override
    public List<String> parameters() {
      return List.of(weight, scale);
    }

    @Override
    public TensorType infer(Inference at) {
      at.parameter(scale, at.parameter(weight, null, null).dim(0));
      return widened().infer(at);
    }

    @Override
    public LayerOp widened() {
      return new LayerOp.Embedding(weight);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.quantizedEmbedding(node, this);
    }
  }
}
