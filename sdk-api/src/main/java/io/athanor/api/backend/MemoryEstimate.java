package io.athanor.api.backend;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.TensorType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * How much memory a graph needs at its peak, in bytes, for given sizes of its symbols. An estimate
 * from the graph alone: an engine's own buffers, its libraries and the Java heap come on top.
 *
 * @param parameters every parameter, in 32 bits; for 16-bit arithmetic also their 16-bit copies
 * @param gradients of the trained parameters, in 32 bits; 0 for prediction
 * @param optimizer moments of the trained parameters; 0 for prediction
 * @param activations values that live at once, in 32 bits, as products round them on the way: for
 *     training, the inputs and what the backward pass reads again; for prediction, the most that
 *     any operation finds alive
 * @param working the largest gradients that one operation of the backward pass holds; 0 for
 *     prediction
 */
public record MemoryEstimate(
    long parameters, long gradients, long optimizer, long activations, long working) {
  /** The peak. */
  public long total() {
    return parameters + gradients + optimizer + activations + working;
  }

  /**
   * Memory of one training step over one micro-batch.
   *
   * @param sizes a value for each symbol of the graph's shapes, for example {@code batch}
   * @throws IllegalArgumentException if a symbol has no value
   * @throws ArithmeticException if a count does not fit a long
   */
  public static MemoryEstimate training(Graph graph, Map<String, Long> sizes, TrainingMode mode) {
    long trained = Math.multiplyExact(graph.trainedParameterCount(), (long) Float.BYTES);
    Set<String> needGradient = graph.differentiable();
    KeptForBackward keeper = new KeptForBackward(graph, sizes, needGradient);
    Set<String> kept = new HashSet<>();
    graph.inputs().forEach(input -> kept.add(input.name()));
    long extra = 0;
    long working = 0;
    for (Node node : graph.nodes()) {
      if (!needGradient.contains(node.name())) {
        continue;
      }
      KeptForBackward.Kept keeps = node.op().accept(keeper, node);
      kept.addAll(keeps.values());
      extra = Math.addExact(extra, keeps.bytes(Float.BYTES));
      long gradients = bytes(node.type(), sizes);
      for (String input : node.inputs()) {
        if (needGradient.contains(input)) {
          gradients = Math.addExact(gradients, bytes(graph.type(input), sizes));
        }
      }
      working = Math.max(working, gradients);
    }
    long activations = extra;
    for (String value : kept) {
      activations = Math.addExact(activations, bytes(graph.type(value), sizes));
    }
    return new MemoryEstimate(
        parameterBytes(graph, mode.precision()),
        trained,
        Math.multiplyExact(trained, moments(mode.optimizer())),
        activations,
        working);
  }

  /**
   * Memory of one prediction; only what the outputs need counts.
   *
   * @param sizes a value for each symbol of the graph's shapes, for example {@code batch}
   * @throws IllegalArgumentException if a symbol has no value
   * @throws ArithmeticException if a count does not fit a long
   */
  public static MemoryEstimate prediction(
      Graph graph, Map<String, Long> sizes, Precision precision) {
    Graph pruned = graph.forPrediction();
    Map<String, Integer> uses = new HashMap<>();
    pruned.nodes().forEach(node -> node.inputs().forEach(i -> uses.merge(i, 1, Integer::sum)));
    pruned.outputs().values().forEach(value -> uses.merge(value, 1, Integer::sum));
    long alive = 0;
    for (var input : pruned.inputs()) {
      alive = Math.addExact(alive, bytes(input.type(), sizes));
    }
    long most = alive;
    for (Node node : pruned.nodes()) {
      alive = Math.addExact(alive, bytes(node.type(), sizes));
      most = Math.max(most, alive);
      for (String input : node.inputs()) {
        if (uses.merge(input, -1, Integer::sum) == 0 && !pruned.hasInput(input)) {
          alive -= bytes(pruned.type(input), sizes);
        }
      }
    }
    return new MemoryEstimate(parameterBytes(pruned, precision), 0, 0, most, 0);
  }

  private static long parameterBytes(Graph graph, Precision precision) {
    int each = Float.BYTES + (precision == Precision.F32 ? 0 : Short.BYTES);
    return Math.multiplyExact(graph.parameterCount(), (long) each);
  }

  private static long bytes(TensorType type, Map<String, Long> sizes) {
    return Math.multiplyExact(type.shape().elements(sizes), (long) type.dtype().bytes());
  }

  private static long moments(Optimizer optimizer) {
    if (optimizer instanceof Optimizer.Sgd sgd) {
      return sgd.momentum() > 0 ? 1 : 0;
    }
    return 2;
  }
}
