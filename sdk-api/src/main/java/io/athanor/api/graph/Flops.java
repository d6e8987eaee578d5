package io.athanor.api.graph;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The number of floating-point operations of a graph for given sizes of its symbols. The rules:
 *
 * <ul>
 *   <li>A matrix product, convolution or recurrent product: 2 for each multiply-add, 1 for each
 *       element a bias is added to. Attention counts both its products in full, causal or not.
 *   <li>Softmax 5 an element (maximum, difference, exponential, sum, quotient), layer norm 7, RMS
 *       norm 4, batch norm 2, rotary positions 3, the gates of a recurrent cell 9 (LSTM) or 10
 *       (GRU) for each hidden element.
 *   <li>Activation, sum, product, scaling, reduction and pooling: 1 for each element read. Losses 5
 *       for each logit or prediction.
 *   <li>Embedding, dropout and whatever only moves data: 0.
 *   <li>Training adds to the forward pass the backward one. For a product with weights, as much
 *       again if its input needs a gradient, and as much again if its weights are trained. For
 *       attention, twice as much; for all else, as much again, if an input or a parameter needs a
 *       gradient.
 * </ul>
 *
 * <p>All nodes count, so give {@link Graph#forPrediction} to leave the loss out.
 *
 * @param forward of each node, by name
 * @param backward of each node, by name
 */
public record Flops(Map<String, Long> forward, Map<String, Long> backward) {
  public Flops {
    forward = Collections.unmodifiableMap(new LinkedHashMap<>(forward));
    backward = Collections.unmodifiableMap(new LinkedHashMap<>(backward));
  }

  /**
   * Counts a graph.
   *
   * @param sizes a value for each symbol of the graph's shapes, for example {@code batch}
   * @throws IllegalArgumentException if a symbol has no value
   * @throws ArithmeticException if a count does not fit a long
   */
  public static Flops of(Graph graph, Map<String, Long> sizes) {
    Map<String, Long> forward = new LinkedHashMap<>();
    Map<String, Long> backward = new LinkedHashMap<>();
    ForwardFlops count = new ForwardFlops(graph, sizes);
    Set<String> needGradient = graph.differentiable();
    for (Node node : graph.nodes()) {
      boolean input = node.inputs().stream().anyMatch(needGradient::contains);
      boolean weights = node.op().parameters().stream().anyMatch(p -> graph.parameter(p).trained());
      long flops = node.op().accept(count, node);
      forward.put(node.name(), flops);
      backward.put(node.name(), Math.multiplyExact(flops, passes(node.op(), input, weights)));
    }
    return new Flops(forward, backward);
  }

  private static long passes(Op op, boolean input, boolean weights) {
    if (op instanceof LayerOp.Linear
        || op instanceof LayerOp.AdapterLinear
        || op instanceof LayerOp.Conv2d
        || op instanceof LayerOp.Lstm
        || op instanceof LayerOp.Gru) {
      return (input ? 1L : 0L) + (weights ? 1L : 0L);
    }
    if (!input && !weights) {
      return 0;
    }
    return op instanceof SequenceOp.Attention ? 2 : 1;
  }

  /** Operations of one forward pass. */
  public long forwardTotal() {
    return forward.values().stream().reduce(0L, Math::addExact);
  }

  /** Operations of one forward and one backward pass; the optimizer's are not counted. */
  public long trainingTotal() {
    return Math.addExact(forwardTotal(), backward.values().stream().reduce(0L, Math::addExact));
  }
}
