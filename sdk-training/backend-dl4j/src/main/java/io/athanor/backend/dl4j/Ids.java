package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import java.nio.LongBuffer;

/**
 * The integers by which a layer picks rows of a table, or classes.
 *
 * @param layer the layer
 * @param value the graph's value that holds them
 * @param source the input they come from, or the layer that counts them
 * @param limit the first that is too large
 * @param targets whether {@link LossOp#IGNORED} is allowed
 */
record Ids(String layer, String value, String source, long limit, boolean targets) {
  /** In place of a target that does not count. */
  static final int NONE = -1;

  static Ids rows(Graph graph, Node node, int input, long rows) {
    return of(graph, node, input, rows, false);
  }

  static Ids targets(Graph graph, Node node, int input, long classes) {
    return of(graph, node, input, classes, true);
  }

  private static Ids of(Graph graph, Node node, int input, long limit, boolean targets) {
    String value = node.inputs().get(input);
    return new Ids(node.name(), value, HostValues.source(graph, value), limit, targets);
  }

  /**
   * Those of a batch.
   *
   * @throws GraphException if one is out of range, or if no target counts
   */
  int[] of(Call call) {
    Tensor tensor = call.values().value(value);
    LongBuffer longs = tensor.longBuffer();
    int[] ids = new int[longs.remaining()];
    int counted = 0;
    for (int i = 0; i < ids.length; i++) {
      long id = longs.get(i);
      if (id >= 0 && id < limit) {
        ids[i] = (int) id;
        counted++;
      } else if (targets && id == LossOp.IGNORED) {
        ids[i] = NONE;
      } else {
        throw outside(id, i);
      }
    }
    if (counted == 0) {
      throw new GraphException(
          source, "expected at least one target that counts, got only " + LossOp.IGNORED);
    }
    return ids;
  }

  private GraphException outside(long id, int element) {
    return new GraphException(
        source,
        "expected "
            + (targets ? "classes" : "ids")
            + " from 0 and below "
            + limit
            + " for layer '"
            + layer
            + "'"
            + (targets ? " or " + LossOp.IGNORED : "")
            + ", got "
            + id
            + " at element "
            + element);
  }
}
