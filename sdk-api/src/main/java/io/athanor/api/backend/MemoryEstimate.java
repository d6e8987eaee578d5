package io.athanor.api.backend;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.TensorType;
import java.util.HashMap;
import java.util.Map;

/**
 * How much memory a graph needs at its peak, in bytes, for given sizes of its symbols. An estimate
 * from the graph alone, as the DJL backend computes it; the engine's libraries, its workspace and
 * the Java heap come on top. Another engine may keep more.
 *
 * @param parameters every parameter, in 32 bits or the 8 it is quantised to; for 16-bit arithmetic
 *     also their 16-bit copies
 * @param gradients of the trained parameters, in 32 bits, twice where they are summed over
 *     micro-batches; 0 for prediction
 * @param optimizer moments of the trained parameters; 0 for prediction
 * @param activations values that live at once, in 32 bits, as products round them on the way: for
 *     training, the inputs and what the forward pass leaves for the backward one; for prediction,
 *     the most that any operation finds alive
 * @param working what the worst moment of a pass holds besides: gradients on their way back,
 *     buffers of an operation, values that are computed again; 0 for prediction
 * @param fragmentation what an allocator holds back between blocks that come and go: a quarter of
 *     activations and working, about the mean of what was measured with glibc on processors
 */
public record MemoryEstimate(
    long parameters,
    long gradients,
    long optimizer,
    long activations,
    long working,
    long fragmentation) {
  private MemoryEstimate(
      long parameters, long gradients, long optimizer, long activations, long working) {
    this(
        parameters,
        gradients,
        optimizer,
        activations,
        working,
        Math.addExact(activations, working) / 4);
  }

  /** The peak. */
  public long total() {
    return parameters + gradients + optimizer + activations + working + fragmentation;
  }

  /**
   * Memory of a training step over one micro-batch.
   *
   * @param sizes a value for each symbol of the graph's shapes, for example {@code batch}
   * @throws IllegalArgumentException if a symbol has no value
   * @throws ArithmeticException if a count does not fit a long
   */
  public static MemoryEstimate training(Graph graph, Map<String, Long> sizes, TrainingMode mode) {
    return training(graph, sizes, mode, 1);
  }

  /**
   * Memory of a training step over several micro-batches, one after the other.
   *
   * @param sizes of one micro-batch: a value for each symbol of the graph's shapes
   * @param microBatches at least 1
   * @throws IllegalArgumentException if a symbol has no value
   * @throws ArithmeticException if a count does not fit a long
   */
  public static MemoryEstimate training(
      Graph graph, Map<String, Long> sizes, TrainingMode mode, int microBatches) {
    if (microBatches < 1) {
      throw new IllegalArgumentException("microBatches must be at least 1, got " + microBatches);
    }
    long trained = Math.multiplyExact(graph.trainedParameterCount(), (long) Float.BYTES);
    TrainingPass pass = new TrainingPass(graph, sizes, mode.recompute());
    return new MemoryEstimate(
        parameterBytes(graph, mode.precision()),
        Math.multiplyExact(trained, microBatches > 1 ? 2L : 1L),
        Math.multiplyExact(trained, moments(mode.optimizer())),
        pass.kept(),
        pass.peak() - pass.kept());
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
    int copy = precision == Precision.F32 ? 0 : Short.BYTES;
    long bytes = 0;
    for (Parameter parameter : graph.parameters()) {
      long each = (long) parameter.type().bytes() + copy;
      bytes = Math.addExact(bytes, Math.multiplyExact(parameter.shape().elements(), each));
    }
    return bytes;
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
