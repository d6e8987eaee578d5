package io.athanor.api.graph;

/**
 * A handle on an input or on a node's result, given out by {@link GraphBuilder}.
 *
 * @param name unique within the graph
 * @param type element type and shape
 */
public record Value(String name, TensorType type) {
  public Shape shape() {
    return type.shape();
  }
}
