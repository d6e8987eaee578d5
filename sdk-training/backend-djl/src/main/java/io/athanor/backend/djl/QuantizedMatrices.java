package io.athanor.backend.djl;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Shape;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which layers of a graph multiply by matrices of a few bits, and how these are laid out: layers
 * that read the same value share one matrix, so that a small product costs one call instead of
 * three.
 */
final class QuantizedMatrices {
  /** Elements from which a matrix is worth rounding; below, as in adapters, little is won. */
  private static final long SMALLEST = 4096;

  /**
   * The rows of a layer in a matrix.
   *
   * @param product how to multiply by the matrix
   * @param matrix index among those of the same product
   * @param from first row
   * @param to row after the last
   * @param shared whether there are further layers in the matrix
   */
  record Rows(QuantizedProduct product, int matrix, long from, long to, boolean shared) {}

  /**
   * A matrix.
   *
   * @param product how to multiply by it
   * @param weights the names of those that lie in it, one below the other
   */
  record Matrix(QuantizedProduct product, List<String> weights) {}

  private final List<Matrix> matrices = new ArrayList<>();
  private final Map<String, Rows> rows = new LinkedHashMap<>();
  private final Graph graph;
  private final long vocabulary;

  /**
   * @param products of which the first that suits a matrix is taken
   */
  QuantizedMatrices(DecoderGraph decoded, List<QuantizedProduct> products) {
    graph = decoded.graph();
    vocabulary = decoded.vocabulary();
    Map<String, List<Node>> readers = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Linear op && shape(op).elements() >= SMALLEST) {
        String key = node.inputs().get(0) + (decoded.whole(node.name()) ? " whole" : "");
        readers.computeIfAbsent(key, k -> new ArrayList<>()).add(node);
      }
    }
    readers.values().forEach(layers -> add(layers, products));
  }

  private void add(List<Node> layers, List<QuantizedProduct> products) {
    long all = layers.stream().mapToLong(this::height).sum();
    long width = shape((LayerOp.Linear) layers.get(0).op()).dim(1).offset();
    QuantizedProduct product =
        products.stream()
            .filter(each -> each.suits(all, width, all == vocabulary))
            .findFirst()
            .orElseThrow();
    int index = (int) matrices.stream().filter(each -> each.product == product).count();
    long from = 0;
    for (Node node : layers) {
      long to = from + height(node);
      rows.put(node.name(), new Rows(product, index, from, to, layers.size() > 1));
      from = to;
    }
    matrices.add(
        new Matrix(product, layers.stream().map(node -> node.op().parameters().get(0)).toList()));
  }

  private long height(Node layer) {
    return shape((LayerOp.Linear) layer.op()).dim(0).offset();
  }

  private Shape shape(LayerOp.Linear op) {
    return graph.parameter(op.weight()).shape();
  }

  /** Those in use. */
  Set<QuantizedProduct> products() {
    return matrices.stream()
        .map(Matrix::product)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(QuantizedProduct.class)));
  }

  /** All of them. */
  List<Matrix> matrices() {
    return matrices;
  }

  /** Where the rows of a layer are, if it is one of these. */
  @Nullable Rows rows(Node node) {
    return rows.get(node.name());
  }

  /** The parameters that are read in no other way. */
  Set<String> replaced() {
    Set<String> names = new HashSet<>();
    matrices.forEach(matrix -> names.addAll(matrix.weights));
    for (Node node : graph.nodes()) {
      List<String> used = node.op().parameters();
      names.removeAll(rows.containsKey(node.name()) ? used.subList(1, used.size()) : used);
    }
    return names;
  }
}
