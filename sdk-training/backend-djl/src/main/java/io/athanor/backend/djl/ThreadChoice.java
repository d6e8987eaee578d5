package io.athanor.backend.djl;

import io.athanor.api.graph.Flops;
import io.athanor.api.graph.Graph;
import java.util.List;
import java.util.Map;

/**
 * How many threads one operation uses. A small forward pass runs on one: handing work to others
 * costs more than it saves. The choice depends on graph and sizes only, so that equal calls give
 * equal bits.
 *
 * @param asked a fixed number, or 0 to choose
 * @param processors how many threads a large pass uses
 */
record ThreadChoice(Graph graph, int asked, int processors) {
  /** Floating-point operations of a forward pass: a fraction of a millisecond on one core. */
  private static final long SMALL = 10_000_000;

  /** The threads for batches with these symbolic sizes. */
  int of(List<Map<String, Long>> batches) {
    if (asked > 0) {
      return asked;
    }
    boolean small =
        batches.stream().allMatch(sizes -> Flops.of(graph, sizes).forwardTotal() < SMALL);
    return small ? 1 : processors;
  }
}
