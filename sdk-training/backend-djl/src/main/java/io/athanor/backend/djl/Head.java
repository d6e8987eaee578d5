package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Op;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The end of a classifier of many classes, written as one: a linear layer, perhaps a soft cap, and
 * cross-entropy. Rows that are not scored are left out, and the rest goes through in chunks, each
 * of which turns its logits into their gradient in place, so that the logits of all rows never
 * exist at once (Hsu et al. 2024, Liger kernels).
 *
 * @param linear gives the logits
 * @param between elementwise nodes from the linear layer to the loss, in order
 * @param loss the cross-entropy, which is the graph's loss
 */
record Head(Graph graph, Node linear, List<Node> between, Node loss) {
  /** Logits in one chunk: 50 MB. */
  private static final long CHUNK = 12_500_000;

  /**
   * Finds the head of a graph.
   *
   * @param nodes those that the loss needs
   * @param leastClasses fewer are not worth it
   */
  static Optional<Head> find(Graph graph, List<Node> nodes, long leastClasses) {
    Map<String, Node> byName = new HashMap<>();
    Map<String, Integer> uses = new HashMap<>();
    for (Node node : nodes) {
      byName.put(node.name(), node);
      node.inputs().forEach(input -> uses.merge(input, 1, Integer::sum));
    }
    Node loss = nodes.get(nodes.size() - 1);
    if (!loss.name().equals(graph.loss().orElseThrow())
        || !(loss.op() instanceof LossOp.CrossEntropy op)
        || op.labelSmoothing() > 0) {
      return Optional.empty();
    }
    List<Node> between = new ArrayList<>();
    Node at = byName.get(loss.inputs().get(0));
    while (at != null && uses.getOrDefault(at.name(), 0) == 1) {
      if (at.op() instanceof LayerOp.Linear linear) {
        boolean many = graph.parameter(linear.weight()).shape().dim(0).offset() >= leastClasses;
        boolean oneCap = between.stream().filter(node -> cap(node.op())).count() <= 1;
        Collections.reverse(between);
        return many && oneCap ? Optional.of(new Head(graph, at, between, loss)) : Optional.empty();
      }
      if (!cap(at.op()) && !(at.op() instanceof ElementOp.Scale)) {
        return Optional.empty();
      }
      between.add(at);
      at = byName.get(at.inputs().get(0));
    }
    return Optional.empty();
  }

  private static boolean cap(Op op) {
    return op instanceof ElementOp.Activation a && a.kind() == ElementOp.Activation.Kind.TANH;
  }

  LayerOp.Linear layer() {
    return (LayerOp.Linear) linear.op();
  }

  /** The value before the head. */
  String hidden() {
    return linear.inputs().get(0);
  }

  boolean contains(Node node) {
    return node.equals(linear) || between.contains(node) || node.equals(loss);
  }

  private long classes() {
    return graph.parameter(layer().weight()).shape().dim(0).offset();
  }

  /** Rows in one chunk. */
  private long rows() {
    return Math.max(1, CHUNK / classes());
  }

  private boolean biased() {
    return layer().bias() != null;
  }

  /**
   * The gradients that are asked for.
   *
   * @param share variable of the gradient of the loss
   * @param hidden whether that of the value before the head
   * @param weight the tensor that the weight's is added to, or "" for none
   * @param bias likewise
   */
  record Wanted(String share, boolean hidden, String weight, String bias) {}

  /** The call of {@link #scoring}: the loss. */
  String score(OpWriter out) {
    return "self.score(" + String.join(", ", arguments(out)) + ")";
  }

  /** The call of {@link #training}: the loss, and the gradient of the rows before the head. */
  String train(OpWriter out, Wanted wanted) {
    List<String> arguments = arguments(out);
    arguments.add(wanted.share);
    for (String sum : List.of(wanted.weight, wanted.bias)) {
      if (!sum.isEmpty()) {
        arguments.add(sum);
      }
    }
    return "self.head(" + String.join(", ", arguments) + ")";
  }

  private List<String> arguments(OpWriter out) {
    long size = out.fixed(linear, 0, -1);
    List<String> arguments = new ArrayList<>();
    arguments.add(call("reshape", out.in(linear, 0), "[-1, " + size + "]"));
    arguments.add(call("flatten", out.in(loss, 1)));
    arguments.add(out.parameter(layer().weight()));
    if (biased()) {
      arguments.add(out.parameter(layer().bias()));
    }
    return arguments;
  }

  /** The method that computes the loss alone. */
  List<String> scoring(Target target) {
    List<String> lines = new ArrayList<>();
    lines.add("  def score(self: __torch__.Program, " + parameters() + ") -> Tensor:");
    lines.addAll(start(target));
    lines.addAll(chunk(target));
    lines.add("    return torch.div(total, n)");
    return lines;
  }

  private String parameters() {
    return "h: Tensor, targets: Tensor, w: Tensor" + (biased() ? ", b: Tensor" : "");
  }

  /** The method that computes the loss and gradients. */
  List<String> training(Wanted wanted, Target target) {
    boolean weight = !wanted.weight.isEmpty();
    boolean bias = !wanted.bias.isEmpty();
    List<String> lines = new ArrayList<>();
    lines.add(
        "  def head(self: __torch__.Program, "
            + parameters()
            + ", share: Tensor"
            + (weight ? ", gw: Tensor" : "")
            + (bias ? ", gb: Tensor" : "")
            + ") -> Tuple[Tensor, Tensor]:");
    lines.addAll(start(target));
    lines.add("    slope = float(torch.div(share, n))");
    lines.add("    gh = torch.zeros_like(h)");
    lines.addAll(chunk(target));
    lines.add("      _ = torch.exp_(logits)");
    lines.add("      ones = torch.ones_like(y, dtype=6)");
    lines.add("      _ = torch.scatter_add_(logits, 1, y, torch.neg_(ones))");
    List<Node> back = new ArrayList<>(between);
    Collections.reverse(back);
    for (Node node : back) {
      lines.add(
          node.op() instanceof ElementOp.Scale scale
              ? "      _ = " + call("mul_", "logits", scale.factor())
              : "      _ = torch.tanh_backward(logits, capped, grad_input=logits)");
    }
    lines.add("      slopes = " + target.rounded("logits"));
    if (wanted.hidden) {
      String product = target.full("torch.mm(slopes, low)");
      lines.add("      _ = torch.index_copy_(gh, 0, part, torch.mul_(" + product + ", slope))");
    }
    if (weight) {
      lines.add(
          target.rounds()
              ? "      _ = torch.add_(gw, torch.mm(torch.t(slopes), x), alpha=slope)"
              : "      _ = torch.addmm_(gw, torch.t(slopes), x, alpha=slope)");
    }
    if (bias) {
      lines.add("      _ = torch.add_(gb, torch.sum(logits, [0]), alpha=slope)");
    }
    lines.add("    return (torch.div(total, n), gh)");
    return lines;
  }

  private List<String> start(Target target) {
    return List.of(
        "    low = " + target.rounded("w"),
        "    scored = torch.squeeze(torch.nonzero(torch.ne(targets, " + LossOp.IGNORED + ")), 1)",
        "    n = torch.size(scored, 0)",
        "    total = torch.new_zeros(h, annotate(List[int], []))",
        "    room = torch.new_empty(h, [ops.prim.min(n, " + rows() + "), " + classes() + "])");
  }

  private List<String> chunk(Target target) {
    List<String> lines =
        new ArrayList<>(
            List.of(
                "    for i in range(0, n, " + rows() + "):",
                "      part = torch.slice(scored, 0, i, torch.add(i, " + rows() + "))",
                "      x = " + target.rounded("torch.index_select(h, 0, part)"),
                "      y = torch.unsqueeze(torch.index_select(targets, 0, part), 1)",
                "      logits = torch.slice(room, 0, 0, torch.size(part, 0))",
                target.rounds()
                    ? "      _ = torch.copy_(logits, torch.mm(x, torch.t(low)))"
                    : "      _ = torch.mm(x, torch.t(low), out=logits)"));
    if (biased()) {
      lines.add("      _ = torch.add_(logits, b)");
    }
    for (Node node : between) {
      if (node.op() instanceof ElementOp.Scale scale) {
        lines.add("      _ = " + call("mul_", "logits", scale.factor()));
      } else {
        lines.add("      _ = torch.tanh_(logits)");
        lines.add("      capped = torch.clone(logits)");
      }
    }
    lines.add("      _ = torch._log_softmax(logits, 1, False, out=logits)");
    lines.add("      total = torch.sub(total, torch.sum(torch.gather(logits, 1, y)))");
    return lines;
  }

  /** The nodes that the loss needs, in the graph's order. */
  static List<Node> needed(Graph graph) {
    Set<String> values = new HashSet<>(List.of(graph.loss().orElseThrow()));
    List<Node> nodes = new ArrayList<>(graph.nodes());
    Collections.reverse(nodes);
    List<Node> needed = new ArrayList<>();
    for (Node node : nodes) {
      if (values.contains(node.name())) {
        values.addAll(node.inputs());
        needed.add(node);
      }
    }
    Collections.reverse(needed);
    return needed;
  }
}
