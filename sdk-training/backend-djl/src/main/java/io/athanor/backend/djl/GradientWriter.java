package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 */
final class GradientWriter {
  private final Graph graph;
  private final OpWriter out;
  private final List<String> trained;
  private final Set<String> differentiable;
  private final Map<String, String> gradients = new HashMap<>();
  private final Set<String> filled = new HashSet<>();
  private final GradientRules rules;
  private boolean recording;

  /**
   * @param out with all inputs declared; nothing of the graph appended
   * @param trained the parameters of {@code g}
   */
  GradientWriter(Graph graph, OpWriter out, List<String> trained) {
    this.graph = graph;
    this.out = out;
    this.trained = trained;
    this.differentiable = graph.differentiable();
    this.rules = new GradientRules(graph, out, this);
  }

  /**
   * Appends the whole pass.
   *
   * @param recordAll leaves every operation to autograd
   * @param share variable of the gradient of the loss
   * @return variable of the loss
   */
  String write(boolean recordAll, String share) {
    Deque<Runnable> tape = new ArrayDeque<>();
    for (Node node : graph.nodes()) {
      if (!differentiable.contains(node.name())) {
        out.node(node);
        continue;
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
    String loss = graph.loss().orElseThrow();
    gradients.put(loss, share);
    tape.forEach(Runnable::run);
    return out.variable(loss);
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
    if (filled.add(parameter)) {
      out.statement("_ = " + call("zero_", slot(parameter)));
    }
    out.statement("_ = " + call("index_add_", slot(parameter), 0, ids, rows));
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
