package io.athanor.api.graph;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Two products beside a linear layer on the same input, added to what it gives.
 *
 * @param layer node of the layer
 * @param matrix of the layer
 * @param a first matrix of the path
 * @param b second matrix of the path
 * @param factor of all scales within the path
 */
record LowRankPath(String layer, String matrix, String a, String b, double factor) {
  Stream<String> matrices() {
    return Stream.of(matrix, a, b);
  }

  /** The paths of a graph for prediction, by the node that adds them. */
  static Map<String, LowRankPath> bySum(Graph graph) {
    return new Finder(graph).find();
  }

  private static final class Finder {
    private final Graph graph;
    private final Map<String, Node> nodes = new HashMap<>();
    private final Uses uses;

    Finder(Graph graph) {
      this.graph = graph;
      this.uses = Uses.of(graph);
      graph.nodes().forEach(node -> nodes.put(node.name(), node));
    }

    Map<String, LowRankPath> find() {
      Map<String, LowRankPath> found = new LinkedHashMap<>();
      for (Node node : graph.nodes()) {
        if (node.op() instanceof ElementOp.Add) {
          List<String> terms = node.inputs();
          path(terms.get(0), terms.get(1))
              .or(() -> path(terms.get(1), terms.get(0)))
              .ifPresent(path -> found.put(node.name(), path));
        }
      }
      return found;
    }

    private Optional<LowRankPath> path(String first, String second) {
      Node layer = nodes.get(first);
      if (layer == null
          || !(layer.op() instanceof LayerOp.Linear linear)
          || uses.ofParameter(linear.weight()) != 1
          || uses.ofValue(first) != 1) {
        return Optional.empty();
      }
      Chain chain = new Chain(second);
      Optional<String> b = chain.matrix();
      Optional<String> a = chain.matrix();
      if (a.isEmpty() || b.isEmpty() || !certain(chain.at).equals(certain(layer.inputs().get(0)))) {
        return Optional.empty();
      }
      return Optional.of(new LowRankPath(first, linear.weight(), a.get(), b.get(), chain.factor));
    }

    /** The value without the dropout that prediction leaves out. */
    private String certain(String value) {
      Node node = nodes.get(value);
      return node != null && node.op() instanceof ElementOp.Dropout
          ? certain(node.inputs().get(0))
          : value;
    }

    /** Goes back from a value that nothing else reads. */
    private final class Chain {
      private String at;
      private double factor = 1;

      Chain(String at) {
        this.at = at;
      }

      /** Passes scales and one product without bias, whose matrix it gives. */
      Optional<String> matrix() {
        for (Node node = nodes.get(at);
            node != null && uses.ofValue(at) == 1;
            node = nodes.get(at)) {
          if (node.op() instanceof ElementOp.Scale scale) {
            factor *= scale.factor();
            at = node.inputs().get(0);
          } else if (node.op() instanceof LayerOp.Linear linear && linear.bias() == null) {
            at = node.inputs().get(0);
            return Optional.of(linear.weight());
          } else {
            return Optional.empty();
          }
        }
        return Optional.empty();
      }
    }
  }
}
