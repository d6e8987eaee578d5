package io.athanor.training.compress;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.Uses;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Neurons, or channels, that only one layer reads.
 *
 * @param width how many there are
 * @param makers matrices with a row for each
 * @param vectors with a number for each: biases, and parameters of batch normalisation
 * @param reader the matrix with a column for each
 */
record HiddenLayer(long width, List<String> makers, List<String> vectors, String reader) {
  /** All of a graph, in its order. */
  static List<HiddenLayer> in(Graph graph) {
    return new Search(graph).all();
  }

  /** Goes back from a layer to those that make what it reads. */
  private static final class Search {
    private final Graph graph;
    private final Map<String, Node> nodes = new HashMap<>();
    private final Uses uses;

    Search(Graph graph) {
      this.graph = graph;
      this.uses = Uses.of(graph);
      graph.nodes().forEach(node -> nodes.put(node.name(), node));
    }

    List<HiddenLayer> all() {
      List<HiddenLayer> found = new ArrayList<>();
      for (Node node : graph.nodes()) {
        String weight = weight(node);
        if (weight != null && alone(weight)) {
          List<String> makers = new ArrayList<>();
          List<String> vectors = new ArrayList<>();
          boolean images = node.op() instanceof LayerOp.Conv2d;
          if (trace(node.inputs().get(0), images, makers, vectors)) {
            long width = graph.parameter(weight).shape().dim(1).offset();
            found.add(new HiddenLayer(width, makers, vectors, weight));
          }
        }
      }
      return found;
    }

    private static @Nullable String weight(Node node) {
      if (node.op() instanceof LayerOp.Linear linear) {
        return linear.weight();
      }
      return node.op() instanceof LayerOp.Conv2d convolution ? convolution.weight() : null;
    }

    private boolean alone(String parameter) {
      return uses.ofParameter(parameter) == 1;
    }

    /** Whether all that a value is made of can lose neurons without anybody else noticing. */
    private boolean trace(String value, boolean images, List<String> makers, List<String> vectors) {
      Node node = nodes.get(value);
      if (node == null || uses.ofValue(value) != 1) {
        return false;
      }
      List<String> parameters = node.op().parameters();
      if (images ? node.op() instanceof LayerOp.Conv2d : node.op() instanceof LayerOp.Linear) {
        makers.add(parameters.get(0));
        vectors.addAll(parameters.subList(1, parameters.size()));
        return parameters.stream().allMatch(this::alone);
      }
      if (node.op() instanceof LayerOp.BatchNorm) {
        vectors.addAll(parameters);
        return parameters.stream().allMatch(this::alone)
            && trace(node.inputs().get(0), images, makers, vectors);
      }
      boolean passes =
          node.op() instanceof ElementOp.Activation
              || node.op() instanceof ElementOp.Dropout
              || node.op() instanceof ElementOp.Scale
              || (images && node.op() instanceof ShapeOp.Pool2d)
              || ((node.op() instanceof ElementOp.Multiply || node.op() instanceof ElementOp.Add)
                  && node.inputs().stream().allMatch(in -> graph.type(in).equals(node.type())));
      return passes
          && node.inputs().stream().allMatch(input -> trace(input, images, makers, vectors));
    }
  }
}
