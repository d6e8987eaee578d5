package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.TensorType;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the rules for gradients have in common: how they write, and where gradients go. */
abstract class Rules {
  /** The scalar type of results whose functions ask for one. */
  static final int F32 = Target.F32;

  final Graph graph;
  final OpWriter out;
  final GradientWriter to;

  Rules(Graph graph, OpWriter out, GradientWriter to) {
    this.graph = graph;
    this.out = out;
    this.to = to;
  }

  /** Appends a node and returns the variable of its result. */
  final String forward(Node node) {
    out.node(node);
    return out.variable(node.name());
  }

  /** Appends a node whose function has further results, and returns their variables. */
  final List<String> forward(Node node, int count, String expression) {
    List<String> results = out.assign(count, expression);
    out.result(node, results.get(0));
    return results;
  }

  final Consumer<String> recorded(Node node) {
    return to.recorded(node);
  }

  final boolean wants(Node node, int index) {
    return to.wants(node, index);
  }

  final boolean wants(@Nullable String parameter) {
    return to.wants(parameter);
  }

  final void pass(Node node, int index, String expression) {
    to.pass(node, index, expression);
  }

  /** A variable as products read it. */
  final String rounded(String x) {
    return out.target().rounds() ? out.assign(out.target().rounded(x)) : x;
  }

  final String full(String product) {
    return out.target().full(product);
  }

  /** All axes but the last as one. */
  final String rows(TensorType type, String x) {
    long size = type.shape().dim(-1).offset();
    return type.shape().rank() == 2 ? x : out.assign(call("reshape", x, "[-1, " + size + "]"));
  }

  final String sizes(Node node, int index) {
    return call("size", out.in(node, index));
  }

  /** Repeats a gradient along axes that were reduced. */
  final void spread(Node node, String gradient, List<Integer> axes, boolean mean) {
    String share = gradient;
    for (int axis : axes) {
      if (mean) {
        share = call("div", share, out.size(node, 0, axis));
      }
      share = call("unsqueeze", share, axis);
    }
    pass(node, 0, call("expand", share, sizes(node, 0)));
  }
}
