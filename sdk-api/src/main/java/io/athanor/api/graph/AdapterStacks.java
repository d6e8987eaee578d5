package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** The parameters of a graph that hold several adapters, one for each index of the first axis. */
public final class AdapterStacks {
  private AdapterStacks() {}

  /** Their names: both parameters of each {@link LayerOp.AdapterLinear}. */
  public static Set<String> of(Graph graph) {
    Set<String> stacks = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.AdapterLinear op) {
        stacks.addAll(op.parameters());
      }
    }
    return stacks;
  }

  /**
   * Checks that an adapter can be written into the stacks of a graph.
   *
   * @param adapter index on the first axis of every stack
   * @param entries by stack, F32, of its shape without the first axis
   * @throws GraphException if there is no stack, if the index is outside of one, or if an entry
   *     belongs to none or is of another shape or type
   */
  public static void requireFit(Graph graph, int adapter, Map<String, Tensor> entries) {
    Set<String> stacks = of(graph);
    if (stacks.isEmpty()) {
      throw new GraphException(graph.name(), "the graph has no AdapterLinear, so no adapters");
    }
    for (String stack : stacks) {
      long count = graph.parameter(stack).shape().dim(0).offset();
      if (adapter < 0 || adapter >= count) {
        throw new GraphException(
            stack, "expected an adapter of 0 to " + (count - 1) + ", got " + adapter);
      }
    }
    entries.forEach(
        (name, entry) -> {
          if (!stacks.contains(name)) {
            throw new GraphException(name, "expected one of the stacks " + stacks);
          }
          long[] all = graph.parameter(name).shape().resolve(Map.of());
          long[] one = Arrays.copyOfRange(all, 1, all.length);
          if (entry.dtype() != DType.F32 || !Arrays.equals(entry.shape(), one)) {
            throw new GraphException(
                name, "expected F32 values of shape " + Arrays.toString(one) + ", got " + entry);
          }
        });
  }
}
