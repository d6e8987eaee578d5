package io.athanor.api.graph;

import java.util.List;

/**
 * A layer-level operation: a closed set of records in six families. Backends, exporters and
 * analyses handle each through an {@link OpVisitor}, so that the compiler finds every place a new
 * one concerns.
 */
public sealed interface Op permits LayerOp, QuantizedOp, SequenceOp, ElementOp, ShapeOp, LossOp {
  /** Names of the parameters it uses, in a fixed order. */
  default List<String> parameters() {
    return List.of();
  }

  /**
   * The type of the result.
   *
   * @throws io.athanor.api.error.GraphException if inputs or parameters do not fit; names the layer
   */
  TensorType infer(Inference at);

  /** Calls the visitor's method for this operation. */
  <R> R accept(OpVisitor<R> visitor, Node node);
}
