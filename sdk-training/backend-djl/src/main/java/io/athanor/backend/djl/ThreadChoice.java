package io.athanor.backend.djl;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import java.util.List;
import java.util.Map;

/**
 * How many threads one operation uses. A small forward pass runs on one: handing work to others
 * costs more than it saves. The choice depends on graph and shapes only, so that equal calls give
 * equal bits.
 */
final class ThreadChoice {
  /** Forward multiply-adds from which several threads pay off; measured, see the benchmarks. */
  private static final double SMALL = 4e6;

  private final Graph graph;
  private final int asked;
  private final int processors;

  /**
   * @param asked a fixed number, or 0 to choose
   */
  ThreadChoice(Graph graph, int asked, int processors) {
    this.graph = graph;
    this.asked = asked;
    this.processors = processors;
  }

  /** The threads for batches with these symbolic sizes. */
  int of(List<Map<String, Long>> batches) {
    if (asked > 0) {
      return asked;
    }
    return batches.stream().mapToDouble(this::multiplyAdds).max().orElse(0) < SMALL
        ? 1
        : processors;
  }

  /** Multiply-adds of a forward pass in matrix products, convolutions and attention. */
  double multiplyAdds(Map<String, Long> sizes) {
    double sum = 0;
    for (Node node : graph.nodes()) {
      double results = node.type().shape().elements(sizes);
      if (node.op() instanceof LayerOp.Linear op) {
        sum += results * parameter(op.weight()).dim(1).offset();
      } else if (node.op() instanceof LayerOp.Conv2d op) {
        Shape weight = parameter(op.weight());
        sum += results * weight.elements() / weight.dim(0).offset();
      } else if (node.op() instanceof LayerOp.Lstm || node.op() instanceof LayerOp.Gru) {
        Shape in = parameter(node.op().parameters().get(0));
        Shape hidden = parameter(node.op().parameters().get(1));
        double rows = results / hidden.dim(1).offset();
        sum += rows * (in.elements() + hidden.elements());
      } else if (node.op() instanceof SequenceOp.Attention) {
        Shape keys = graph.type(node.inputs().get(1)).shape();
        sum += 2 * results * keys.dim(1).resolve(sizes);
      }
    }
    return sum;
  }

  private Shape parameter(String name) {
    return graph.parameter(name).shape();
  }
}
