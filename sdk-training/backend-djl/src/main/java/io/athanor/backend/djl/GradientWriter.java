package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Segments;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes the TorchScript statements of a training pass: all nodes forward, then the gradients
 * backward (reverse-mode differentiation), into a list of tensors {@code g} in scope, one for each
 * trained parameter.
 *
 * <p>An operation without a rule in {@link GradientRules} runs under autograd on inputs cut off
 * from the rest, and autograd differentiates that operation alone.
 *
 * <p>libtorch frees a value after the statement that uses it last, so a value that no rule asks for
 * is gone once the forward pass has gone on.
 */
final class GradientWriter {
  private final Graph graph;
  private final OpWriter out;
  private final List<String> trained;
  private final boolean recordAll;
  private final List<Node> needed;
  private final Optional<Head> head;
  private final Set<String> differentiable;
  private final Map<String, String> gradients = new HashMap<>();
  private final Set<String> filled = new HashSet<>();
  private final GradientRules rules;
  private boolean recording;

  /**
   * @param out with all inputs declared; nothing of the graph appended
   * @param trained the parameters of {@code g}
   */
  GradientWriter(Graph graph, OpWriter out, List<String> trained, WritingChoice choice) {
    this.graph = graph;
    this.out = out;
    this.trained = trained;
    this.recordAll = choice.recordAll();
    this.needed = Head.needed(graph);
    this.head = choice.head(graph);
    this.differentiable = graph.differentiable();
    this.rules = new GradientRules(graph, out, this);
  }

  /**
   * Appends the whole pass.
   *
   * @param share variable of the gradient of the loss
   * @param recompute whether to keep only the values between segments
   * @return variable of the loss
   */
  String write(String share, boolean recompute) {
    String loss = graph.loss().orElseThrow();
    List<Node> body =
        needed.stream().filter(node -> head.isEmpty() || !head.get().contains(node)).toList();
    String end = head.map(Head::hidden).orElse(loss);
    List<List<Node>> segments = recompute ? Segments.of(graph, body, end) : List.of(body);
    int last = segments.size() - 1;
    segments.subList(0, last).forEach(segment -> segment.forEach(out::node));
    Deque<Runnable> tape = new ArrayDeque<>();
    segments.get(last).forEach(node -> differentiate(node, tape));
    String result = head.isPresent() ? headLoss(head.get(), share) : out.variable(loss);
    gradients.put(loss, share);
    tape.forEach(Runnable::run);
    out.repeat();
    for (int i = last - 1; i >= 0; i--) {
      tape.clear();
      for (Node node : segments.get(i)) {
        if (differentiable.contains(node.name())) {
          differentiate(node, tape);
        }
      }
      tape.forEach(Runnable::run);
    }
    return result;
  }

  private void differentiate(Node node, Deque<Runnable> tape) {
    if (!differentiable.contains(node.name())) {
      out.node(node);
      return;
    }
    Consumer<String> rule = recordAll ? recorded(node) : node.op().accept(rules, node);
    tape.push(
        () -> {
          String gradient = gradients.get(node.name());
          if (gradient != null) {
            rule.accept(gradient);
          }
        });
  }

  /** What the head's gradients go into. */
  Head.Wanted wanted(Head head, String share) {
    return new Head.Wanted(
        share,
        differentiable.contains(head.hidden()),
        sum(head.layer().weight()),
        sum(head.layer().bias()));
  }

  private String sum(@Nullable String parameter) {
    return parameter == null || !wants(parameter) ? "" : slot(parameter);
  }

  private String headLoss(Head head, String share) {
    Head.Wanted wanted = wanted(head, share);
    for (String parameter : head.layer().parameters()) {
      if (wants(parameter)) {
        start(parameter);
      }
    }
    List<String> found = out.assign(2, head.train(out, wanted));
    if (wanted.hidden()) {
      String like = out.in(head.linear(), 0);
      add(head.hidden(), out.assign(call("view_as", found.get(1), like)));
    }
    return found.get(0);
  }

  /** Whether something written runs under autograd. */
  boolean recording() {
    return recording;
  }

  boolean wants(Node node, int index) {
    return differentiable.contains(node.inputs().get(index));
  }

  /** Adds to the gradient of a node's input. */
  void pass(Node node, int index, String expression) {
    if (wants(node, index)) {
      add(node.inputs().get(index), out.assign(expression));
    }
  }

  private void add(String value, String gradient) {
    gradients.merge(value, gradient, (a, b) -> out.assign(call("add", a, b)));
  }

  boolean wants(@Nullable String parameter) {
    return parameter != null && trained.contains(parameter);
  }

  private String slot(String parameter) {
    return "g[" + trained.indexOf(parameter) + "]";
  }

  /** Adds to the gradient of a parameter; the function can write into a given tensor. */
  void fill(@Nullable String parameter, String function, Object... arguments) {
    if (parameter == null || !wants(parameter)) {
      return;
    }
    String expression = call(function, arguments);
    if (filled.add(parameter)) {
      String open = expression.substring(0, expression.length() - 1);
      out.statement("_ = " + open + ", out=" + slot(parameter) + ")");
    } else if (function.equals("mm")) {
      out.statement("_ = " + call("addmm_", slot(parameter), arguments[0], arguments[1]));
    } else {
      out.statement("_ = " + call("add_", slot(parameter), expression));
    }
  }

  /** Adds a tensor to the gradient of a parameter. */
  void fill(@Nullable String parameter, String gradient) {
    if (parameter != null && wants(parameter)) {
      String function = filled.add(parameter) ? "copy_" : "add_";
      out.statement("_ = " + call(function, slot(parameter), gradient));
    }
  }

  /** Adds rows to those of a parameter's gradient that ids name. */
  void scatter(String parameter, String ids, String rows) {
    start(parameter);
    out.statement("_ = " + call("index_add_", slot(parameter), 0, ids, rows));
  }

  /** Zeroes the gradient of a parameter before the first part is added. */
  private void start(String parameter) {
    if (filled.add(parameter)) {
      out.statement("_ = " + call("zero_", slot(parameter)));
    }
  }

  /** Leaves a node to autograd. */
  Consumer<String> recorded(Node node) {
    recording = true;
    Map<String, String> values = new LinkedHashMap<>();
    for (String input : node.inputs()) {
      if (differentiable.contains(input) && !values.containsKey(input)) {
        values.put(input, leaf(out.variable(input)));
      }
    }
    Map<String, String> weights = new LinkedHashMap<>();
    for (String parameter : node.op().parameters()) {
      if (wants(parameter)) {
        weights.put(parameter, leaf(out.parameter(parameter)));
      }
    }
    String result = out.substituted(node, values, weights);
    out.result(node, out.assign(call("detach", result)));
    return gradient -> {
      List<String> leaves = new ArrayList<>(values.values());
      leaves.addAll(weights.values());
      String found =
          out.assign(
              "torch.autograd.grad(["
                  + result
                  + "], "
                  + leaves
                  + ", annotate(List[Optional[Tensor]], ["
                  + gradient
                  + "]), None, False, True)");
      List<String> results = new ArrayList<>();
      for (String leaf : leaves) {
        String one = found + "[" + results.size() + "]";
        results.add(out.assign("self.present(" + one + ", " + leaf + ")"));
      }
      Iterator<String> next = results.iterator();
      values.keySet().forEach(value -> add(value, next.next()));
      weights.keySet().forEach(parameter -> fill(parameter, next.next()));
    };
  }

  private String leaf(String tensor) {
    return out.assign("torch.requires_grad_(torch.detach(" + tensor + "), True)");
  }
}
