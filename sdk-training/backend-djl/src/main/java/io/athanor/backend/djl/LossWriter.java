package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;

/** The losses of {@link OpWriter} over sequences or rows of a batch. */
final class LossWriter {
  private final OpWriter out;

  LossWriter(OpWriter out) {
    this.out = out;
  }

  String crossEntropy(Node node, LossOp.CrossEntropy op) {
    String logits = out.in(node, 0);
    String targets = out.in(node, 1);
    if (out.rank(node, 0) > 2) {
      logits = call("flatten", logits, 0, -2);
      targets = call("flatten", targets);
    }
    return call(
        "cross_entropy_loss", logits, targets, "None", 1, LossOp.IGNORED, op.labelSmoothing());
  }

  String sequenceLogProbability(Node node) {
    String targets = out.in(node, 1);
    String logs = call("log_softmax", call("flatten", out.in(node, 0), 0, 1), 1);
    String costs = call("nll_loss", logs, call("flatten", targets), "None", 0, LossOp.IGNORED);
    return call("neg", call("sum", call("view_as", costs, targets), "[1]"));
  }

  /** The rows at even places, or at odd ones. */
  String every(Node node, int first) {
    return every(out.in(node, 0), first);
  }

  private static String every(String x, int first) {
    return call("slice", x, 0, first, "None", 2);
  }

  private static String lead(String x) {
    return call("sub", every(x, 0), every(x, 1));
  }

  /** For each pair, by how much more the model prefers the better answer, times beta. */
  String leads(Node node, LossOp.Preference op) {
    return call("mul", call("sub", lead(out.in(node, 0)), lead(out.in(node, 1))), op.beta());
  }

  String preference(String leads) {
    return call("neg", call("mean", call("log_sigmoid", leads)));
  }

  /** Logarithms of the probabilities that each query finds each key. */
  String pairs(LossOp.Contrastive op, String queries, String keys) {
    String products = call("matmul", queries, call("t", keys));
    return call("log_softmax", call("mul", products, 1 / op.temperature()), 1);
  }

  String contrastive(String pairs) {
    return call("neg", call("mean", call("diagonal", pairs)));
  }
}
