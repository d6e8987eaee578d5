package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model whose {@link QuantizedOp quantised} layers became plain ones, on floats with the same
 * meaning: for engines and formats that have no matrices of 8 bits. A model without any is given as
 * it is.
 *
 * @param graph every matrix of it is F32, under the name it had, and frozen
 * @param weights of that graph
 */
public record Widened(Graph graph, Weights weights) {
  /**
   * Widens a model.
   *
   * @throws io.athanor.api.error.GraphException if the weights do not fit the graph
   */
  public static Widened of(Graph graph, Weights weights) {
    Map<String, String> scales = scales(graph);
    if (scales.isEmpty()) {
      return new Widened(graph, weights);
    }
    weights.requireFit(graph);
    Graph wide = graph(graph);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : wide.parameters()) {
      String name = parameter.name();
      String scale = scales.get(name);
      Tensor tensor = weights.tensor(name);
      tensors.put(name, scale == null ? tensor : widened(tensor, weights.tensor(scale)));
    }
    return new Widened(wide, Weights.of(tensors));
  }

  /** The graph alone. */
  public static Graph graph(Graph graph) {
    Map<String, String> scales = scales(graph);
    if (scales.isEmpty()) {
      return graph;
    }
    List<Node> nodes =
        graph.nodes().stream()
            .map(
                node ->
                    node.op() instanceof QuantizedOp op
                        ? new Node(node.name(), op.widened(), node.inputs(), node.type())
                        : node)
            .toList();
    Set<String> used = new HashSet<>();
    nodes.forEach(node -> used.addAll(node.op().parameters()));
    List<Parameter> parameters =
        graph.parameters().stream()
            .filter(parameter -> used.contains(parameter.name()))
            .map(p -> p.withType(DType.F32))
            .toList();
    Optional<String> loss = graph.loss();
    return new Graph(graph.name(), graph.inputs(), parameters, nodes, graph.outputs(), loss);
  }

  /** The name of the scale of each quantised matrix. */
  private static Map<String, String> scales(Graph graph) {
    Map<String, String> scales = new HashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof QuantizedOp op) {
        scales.put(op.weight(), op.scale());
      }
    }
    return scales;
  }

  private static Tensor widened(Tensor matrix, Tensor scale) {
    int width = Math.toIntExact(matrix.size(1));
    float[] scales = scale.floats();
    ByteBuffer from = matrix.bytes();
    ByteBuffer to = Tensor.allocate(DType.F32, matrix.elements());
    for (float each : scales) {
      for (int i = 0; i < width; i++) {
        to.putFloat(each * from.get());
      }
    }
    return Tensor.of(DType.F32, to.flip(), matrix.shape());
  }
}
