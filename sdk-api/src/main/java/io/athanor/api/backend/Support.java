package io.athanor.api.backend;

import io.athanor.api.common.DType;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.QuantizedOp;
import java.util.function.Supplier;

/** Whether a backend can do something, known before any data is read. */
public sealed interface Support {
  /** It can. */
  record Supported() implements Support {}

  /**
   * It cannot.
   *
   * @param reason why
   * @param remedy what to do instead
   */
  record Unsupported(String reason, String remedy) implements Support {}

  /**
   * Whether a graph has what training needs: a loss, a trained parameter, no matrices of 8 bits.
   */
  static Support trainable(Graph graph) {
    if (graph.loss().isEmpty()) {
      return new Unsupported(
          "the graph '" + graph.name() + "' has no loss to train on",
          "Name one with GraphBuilder.loss");
    }
    if (graph.trainedParameterCount() == 0) {
      return new Unsupported(
          "the graph '" + graph.name() + "' has no trained parameter", "Freeze fewer of them");
    }
    return withoutQuantized(graph);
  }

  /** Whether a graph has no matrices of 8 bits; the check of training. */
  static Support withoutQuantized(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof QuantizedOp) {
        return new Unsupported(
            "training of '"
                + graph.name()
                + "', whose layer '"
                + node.name()
                + "' has a matrix of 8 bits",
            "Train the model as it was before, then quantise what comes out of it");
      }
    }
    return new Supported();
  }

  /** Whether all inputs of a graph are F32 or I64; the check of backends that take no others. */
  static Support commonInputs(Graph graph) {
    for (Input input : graph.inputs()) {
      DType dtype = input.type().dtype();
      if (dtype != DType.F32 && dtype != DType.I64) {
        return new Unsupported("input '" + input.name() + "' of type " + dtype, "Use F32 or I64");
      }
    }
    return new Supported();
  }

  /** Whether a graph holds no program of another engine; the check of backends that run none. */
  static Support withoutForeign(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Foreign op) {
        return new Unsupported(
            "the layer '" + node.name() + "' is a program in the form " + op.format(),
            "Use the backend of its engine: djl for torchscript");
      }
    }
    return new Supported();
  }

  /** This if it is a refusal, else what the next check says. */
  default Support and(Supplier<Support> next) {
    return this instanceof Unsupported ? this : next.get();
  }

  /**
   * Does nothing when supported.
   *
   * @throws UnsupportedException otherwise
   */
  default void require() {
    if (this instanceof Unsupported no) {
      throw new UnsupportedException(no.reason(), no.remedy());
    }
  }
}
