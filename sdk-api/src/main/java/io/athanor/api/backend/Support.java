package io.athanor.api.backend;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;

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
