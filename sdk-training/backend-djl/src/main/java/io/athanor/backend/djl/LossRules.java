package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import java.util.List;
import java.util.function.Consumer;

/** The losses of {@link GradientRules}. */
final class LossRules extends Rules {
  private final LossWriter losses;

  LossRules(Graph graph, OpWriter out, GradientWriter to) {
    super(graph, out, to);
    this.losses = new LossWriter(out);
  }

  Consumer<String> crossEntropy(Node node, LossOp.CrossEntropy op) {
    if (op.labelSmoothing() > 0) {
      return recorded(node);
    }
    boolean flat = out.rank(node, 0) <= 2;
    String x = out.in(node, 0);
    String logits = flat ? x : out.assign(call("flatten", x, 0, -2));
    String targets = flat ? out.in(node, 1) : out.assign(call("flatten", out.in(node, 1)));
    String logs = out.assign(call("log_softmax", logits, 1));
    String reduction = "None, 1, " + LossOp.IGNORED;
    String total = forward(node, 2, call("nll_loss_forward", logs, targets, reduction)).get(1);
    return gradient -> {
      String inner = call("nll_loss_backward", gradient, logs, targets, reduction, total);
      String outer = call("_log_softmax_backward_data", inner, logs, 1, F32);
      pass(node, 0, flat ? outer : call("reshape", outer, sizes(node, 0)));
    };
  }

  Consumer<String> sequenceLogProbability(Node node) {
    String x = out.in(node, 0);
    String logs = out.assign(call("log_softmax", call("flatten", x, 0, 1), 1));
    String targets = out.assign(call("flatten", out.in(node, 1)));
    String reduction = "None, 0, " + LossOp.IGNORED;
    List<String> found = out.assign(2, call("nll_loss_forward", logs, targets, reduction));
    String rows = call("view_as", found.get(0), out.in(node, 1));
    out.result(node, out.assign(call("neg", call("sum", rows, "[1]"))));
    return gradient -> {
      String each = call("neg", call("unsqueeze", gradient, 1));
      String spread = call("flatten", call("expand_as", each, out.in(node, 1)));
      String inner = call("nll_loss_backward", spread, logs, targets, reduction, found.get(1));
      String outer = call("_log_softmax_backward_data", inner, logs, 1, F32);
      pass(node, 0, call("view_as", outer, x));
    };
  }

  Consumer<String> preference(Node node, LossOp.Preference op) {
    String leads = out.assign(losses.leads(node, op));
    out.result(node, out.assign(losses.preference(leads)));
    return gradient -> {
      String slope = call("sub", call("sigmoid", leads), 1.0);
      String share = call("div", call("mul", slope, op.beta()), call("numel", leads));
      String each = out.assign(call("mul", share, gradient));
      String opposite = out.assign(call("neg", each));
      pass(node, 0, call("flatten", call("stack", List.of(each, opposite), 1)));
      pass(node, 1, call("flatten", call("stack", List.of(opposite, each), 1)));
    };
  }

  Consumer<String> contrastive(Node node, LossOp.Contrastive op) {
    String queries = out.assign(losses.every(node, 0));
    String keys = out.assign(losses.every(node, 1));
    String logs = out.assign(losses.pairs(op, queries, keys));
    out.result(node, out.assign(losses.contrastive(logs)));
    return gradient -> {
      String slopes = out.assign(call("exp", logs));
      out.statement("_ = " + call("sub_", call("diagonal", slopes), 1.0));
      String factor =
          call("div", call("mul", gradient, 1 / op.temperature()), call("size", logs, 0));
      out.statement("_ = " + call("mul_", slopes, factor));
      String ofQueries = call("matmul", slopes, keys);
      String ofKeys = call("matmul", call("t", slopes), queries);
      pass(node, 0, call("flatten", call("stack", List.of(ofQueries, ofKeys), 1), 0, 1));
    };
  }

  Consumer<String> binaryCrossEntropy(Node node) {
    if (wants(node, 1)) {
      return recorded(node);
    }
    forward(node);
    String x = out.in(node, 0);
    return gradient -> {
      String share = call("div", gradient, call("numel", x));
      pass(node, 0, call("mul", call("sub", call("sigmoid", x), out.in(node, 1)), share));
    };
  }

  Consumer<String> meanSquaredError(Node node) {
    if (wants(node, 1)) {
      return recorded(node);
    }
    forward(node);
    return gradient ->
        pass(node, 0, call("mse_loss_backward", gradient, out.in(node, 0), out.in(node, 1), 1));
  }

  Consumer<String> huber(Node node, LossOp.Huber op) {
    if (wants(node, 1)) {
      return recorded(node);
    }
    forward(node);
    return gradient ->
        pass(
            node,
            0,
            call("huber_loss_backward", gradient, out.in(node, 0), out.in(node, 1), 1, op.delta()));
  }
}
