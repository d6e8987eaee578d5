package io.athanor.training.estimate;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Flops;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import java.util.Map;

/**
 * What passes through a graph take.
 *
 * @param flops floating-point operations
 * @param bytes of values that operations read and write: each its inputs and its result, and twice
 *     that on the way back
 * @param operations how often one begins
 */
record Work(double flops, double bytes, double operations) {
  static final Work NONE = new Work(0, 0, 0);

  /** Forward and backward. */
  static Work training(Graph graph, Map<String, Long> sizes, boolean recompute) {
    Flops flops = Flops.of(graph, sizes);
    double bytes = bytes(graph, sizes);
    double nodes = graph.nodes().size();
    double forward = recompute ? 2 : 1;
    return new Work(
        flops.trainingTotal() + (forward - 1) * flops.forwardTotal(),
        (forward + 2) * bytes,
        (forward + 1) * nodes);
  }

  static Work forward(Graph graph, Map<String, Long> sizes) {
    return new Work(
        Flops.of(graph, sizes).forwardTotal(), bytes(graph, sizes), graph.nodes().size());
  }

  private static double bytes(Graph graph, Map<String, Long> sizes) {
    double bytes = 0;
    for (Node node : graph.nodes()) {
      bytes += bytes(graph, node.name(), sizes);
      for (String input : node.inputs()) {
        bytes += bytes(graph, input, sizes);
      }
    }
    return bytes;
  }

  private static double bytes(Graph graph, String value, Map<String, Long> sizes) {
    long[] shape = graph.type(value).shape().resolve(sizes);
    return (double) graph.type(value).dtype().bytes() * Tensor.elements(shape);
  }

  Work plus(Work other) {
    return new Work(flops + other.flops, bytes + other.bytes, operations + other.operations);
  }

  Work times(double count) {
    return new Work(flops * count, bytes * count, operations * count);
  }
}
