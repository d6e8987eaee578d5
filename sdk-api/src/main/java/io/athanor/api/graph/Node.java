package io.athanor.api.graph;

import java.util.List;

/**
 * One operation applied to values.
 *
 * @param name unique within the graph; also the name of its result
 * @param op the operation
 * @param inputs names of inputs or earlier nodes, in the order the operation defines
 * @param type element type and shape of the result
 */
public record Node(String name, Op op, List<String> inputs, TensorType type) {
  public Node {
    inputs = List.copyOf(inputs);
  }
}
