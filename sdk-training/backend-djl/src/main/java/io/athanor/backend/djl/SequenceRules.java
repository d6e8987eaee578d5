package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.SequenceOp.SequencePool;
import java.util.List;
import java.util.function.Consumer;

/** The sequence operations of {@link GradientRules}. */
final class SequenceRules extends Rules {
  private final SequenceWriter sequences;

  SequenceRules(Graph graph, OpWriter out, GradientWriter to) {
    super(graph, out, to);
    this.sequences = out.sequences();
  }

  /** Turns the gradient back by the same angles. */
  Consumer<String> rope(Node node, SequenceOp.Rope op) {
    forward(node);
    return gradient -> pass(node, 0, sequences.turned(node, op, gradient, false));
  }

  Consumer<String> attention(Node node, SequenceOp.Attention op) {
    if (out.target().separate() && AttentionWriter.fuses(out, node, op)) {
      return recorded(node);
    }
    AttentionWriter attention = sequences.attending(node, op);
    out.result(node, out.assign(attention.forward()));
    return gradient -> {
      List<String> found = attention.backward(gradient);
      for (int i = 0; i < 3; i++) {
        pass(node, i, found.get(i));
      }
    };
  }

  Consumer<String> sequencePool(Node node, SequencePool op) {
    if (op.kind() == SequencePool.Kind.MAX) {
      return recorded(node);
    }
    forward(node);
    if (node.inputs().size() > 1) {
      return gradient -> pass(node, 0, sequences.spread(node, op, gradient));
    }
    return switch (op.kind()) {
      case FIRST -> gradient -> select(node, gradient, 0);
      case LAST -> gradient -> select(node, gradient, -1);
      default -> gradient -> spread(node, gradient, List.of(1), true);
    };
  }

  private void select(Node node, String gradient, int index) {
    pass(node, 0, call("select_backward", gradient, sizes(node, 0), 1, index));
  }

  Consumer<String> skip(Node node, SequenceOp.Skip op) {
    forward(node);
    return gradient ->
        pass(
            node,
            0,
            call("slice_backward", gradient, sizes(node, 0), 1, op.count(), Long.MAX_VALUE, 1));
  }

  Consumer<String> virtualTokens(Node node, LayerOp.VirtualTokens op) {
    forward(node);
    long count = graph.parameter(op.weight()).shape().dim(0).offset();
    return gradient -> {
      pass(node, 0, call("slice", gradient, 1, count));
      to.fill(op.weight(), "sum", call("slice", gradient, 1, 0, count), "[0]");
    };
  }

  Consumer<String> adapterLinear(Node node, LayerOp.AdapterLinear op) {
    String adapters = out.in(node, 1);
    String x = out.in(node, 0);
    String down = out.assign(call("index_select", out.parameter(op.a()), 0, adapters));
    String up = out.assign(call("index_select", out.parameter(op.b()), 0, adapters));
    String inner = out.assign(call("bmm", x, call("transpose", down, 1, 2)));
    out.result(node, out.assign(call("bmm", inner, call("transpose", up, 1, 2))));
    return gradient -> {
      String ofInner = out.assign(call("bmm", gradient, up));
      pass(node, 0, call("bmm", ofInner, down));
      if (wants(op.a())) {
        to.scatter(op.a(), adapters, call("bmm", call("transpose", ofInner, 1, 2), x));
      }
      if (wants(op.b())) {
        String turned = call("bmm", call("transpose", inner, 1, 2), gradient);
        to.scatter(op.b(), adapters, call("transpose", turned, 1, 2));
      }
    };
  }
}
