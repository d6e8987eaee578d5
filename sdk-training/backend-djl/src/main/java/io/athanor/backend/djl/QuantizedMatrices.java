package io.athanor.backend.djl;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Shape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which layers of a graph multiply by matrices of 8 bits, and how these are laid out: layers that
 * read the same value share one matrix, so that a small product costs one call instead of three.
 */
final class QuantizedMatrices {
  /** Elements from which a matrix is worth rounding; below, as in adapters, little is won. */
  private static final long SMALLEST = 4096;

  /**
   * The rows of a layer in a matrix.
   *
   * @param matrix index of the matrix
   * @param from first row
   * @param to row after the last
   * @param shared whether there are further layers in the matrix
   */
  record Rows(int matrix, long from, long to, boolean shared) {}

  private final List<List<Node>> matrices = new ArrayList<>();
  private final Map<String, Rows> rows = new LinkedHashMap<>();
  private final Graph graph;
  private final QuantizedProduct product;

  QuantizedMatrices(DecoderGraph decoded, QuantizedProduct product) {
    graph = decoded.graph();
    this.product = product;
    Map<String, List<Node>> readers = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Linear op && shape(op).elements() >= SMALLEST) {
        String key = node.inputs().get(0) + (decoded.whole(node.name()) ? " whole" : "");
        readers.computeIfAbsent(key, k -> new ArrayList<>()).add(node);
      }
    }
    for (List<Node> group : readers.values()) {
      long from = 0;
      for (Node node : group) {
        long to = from + shape((LayerOp.Linear) node.op()).dim(0).offset();
        rows.put(node.name(), new Rows(matrices.size(), from, to, group.size() > 1));
        from = to;
      }
      matrices.add(group);
    }
  }

  private Shape shape(LayerOp.Linear op) {
    return graph.parameter(op.weight()).shape();
  }

  /** How to multiply by them. */
  QuantizedProduct product() {
    return product;
  }

  /** Where the rows of a layer are, if it is one of these. */
  @Nullable Rows rows(Node node) {
    return rows.get(node.name());
  }

  /** The weights of each matrix, by name, one below the other. */
  List<List<String>> weights() {
    return matrices.stream()
        .map(group -> group.stream().map(node -> node.op().parameters().get(0)).toList())
        .toList();
  }

  /** The parameters that are read in no other way. */
  Set<String> replaced() {
    Set<String> names = new HashSet<>();
    weights().forEach(names::addAll);
    for (Node node : graph.nodes()) {
      List<String> used = node.op().parameters();
      names.removeAll(rows.containsKey(node.name()) ? used.subList(1, used.size()) : used);
    }
    return names;
  }
}
