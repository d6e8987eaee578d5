package io.athanor.tck.reference;

import io.athanor.api.backend.Support;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import org.jspecify.annotations.Nullable;

/** Whether the logits at a position depend on the tokens up to it only. */
final class Causality {
  private final Graph graph;
  private final Dim batch;
  private final Dim length;

  private Causality(Graph graph) {
    this.graph = graph;
    Shape tokens = graph.type(LanguageEncoding.TOKENS).shape();
    this.batch = tokens.dim(0);
    this.length = tokens.dim(1);
  }

  /**
   * @param graph for prediction
   */
  static Support check(Graph graph) {
    String problem =
        graph.hasInput(LanguageEncoding.TOKENS)
                && graph.type(LanguageEncoding.TOKENS).shape().rank() == 2
                && graph.outputs().containsKey(Signature.OUTPUT)
            ? new Causality(graph).problem()
            : "it has no '"
                + LanguageEncoding.TOKENS
                + "' of shape [batch, sequence] or no '"
                + Signature.OUTPUT
                + "'";
    return problem == null
        ? new Support.Supported()
        : new Support.Unsupported(
            "the graph '" + graph.name() + "' cannot be decoded: " + problem,
            "Predict from whole sequences");
  }

  private @Nullable String problem() {
    for (Input input : graph.inputs()) {
      if (!input.name().equals(LanguageEncoding.TOKENS)
          && !input.type().shape().equals(Shape.of(batch))) {
        return "input '" + input.name() + "' has more than one element for each row";
      }
    }
    for (Node node : graph.nodes()) {
      if (node.op() instanceof SequenceOp.Attention attention && !attention.causal()) {
        return "layer '" + node.name() + "' attends to later positions";
      }
      if (node.inputs().stream().anyMatch(this::sequence) && !sequence(node.name())) {
        return "layer '" + node.name() + "' joins positions";
      }
    }
    return null;
  }

  /** Whether axis 1 of a value counts positions. */
  private boolean sequence(String value) {
    Shape shape = graph.type(value).shape();
    String symbol = length.symbol();
    return symbol != null && shape.rank() > 1 && symbol.equals(shape.dim(1).symbol());
  }
}
