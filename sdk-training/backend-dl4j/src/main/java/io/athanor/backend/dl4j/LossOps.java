package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Losses out of primitive operations: those that SameDiff has ignore the gradient that arrives at
 * them.
 */
final class LossOps {
  private final ProgramWriter to;
  private final SameDiff program;

  LossOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  /** The sum of the logarithms, each times what Java wants of it. */
  SDVariable crossEntropy(Node node, LossOp.CrossEntropy op) {
    int classes = Math.toIntExact(to.shape(node, 0)[to.shape(node, 0).length - 1]);
    Ids targets = Ids.targets(to.graph(), node, 1, classes);
    double smoothing = op.labelSmoothing();
    Feed wanted =
        (into, call) -> {
          int[] ids = targets.of(call);
          int counted = 0;
          for (int id : ids) {
            counted += id == Ids.NONE ? 0 : 1;
          }
          for (int id : ids) {
            for (int c = 0; c < classes; c++) {
              double share = smoothing / classes + (id == c ? 1 - smoothing : 0);
              into.put(id == Ids.NONE ? 0 : (float) (-share / counted));
            }
          }
        };
    SDVariable logs = logarithms(node);
    long rows = Tensor.elements(to.shape(node, 0)) / classes;
    return sum(logs.mul(to.feed(wanted, rows, classes)), rows, classes);
  }

  private SDVariable sum(SDVariable matrix, long rows, long columns) {
    return to.reduced(Statistic.SUM, matrix, new long[] {rows, columns}, false, 0, 1);
  }

  private SDVariable logarithms(Node node) {
    return program.nn().logSoftmax(to.rows(to.in(node, 0), to.shape(node, 0)));
  }

  SDVariable sequenceLogProbability(Node node) {
    long[] shape = to.shape(node, 0);
    int classes = Math.toIntExact(shape[2]);
    Ids targets = Ids.targets(to.graph(), node, 1, classes);
    Feed wanted =
        (into, call) -> {
          for (int id : targets.of(call)) {
            for (int c = 0; c < classes; c++) {
              into.put(id == c ? 1 : 0);
            }
          }
        };
    SDVariable chosen = logarithms(node).mul(to.feed(wanted, shape[0] * shape[1], classes));
    long[] rows = {shape[0], shape[1] * classes};
    return to.reduced(Statistic.SUM, to.reshaped(chosen, rows), rows, false, 1);
  }

  SDVariable binaryCrossEntropy(Node node) {
    SDVariable x = to.in(node, 0);
    return mean(ElementOps.softplus(to, x).sub(x.mul(to.in(node, 1))), elements(node));
  }

  SDVariable meanSquaredError(Node node) {
    SDVariable difference = to.in(node, 0).sub(to.in(node, 1));
    return mean(difference.mul(difference), elements(node));
  }

  /** With {@code c} the difference {@code d} clipped to delta, it is {@code c (d - c / 2)}. */
  SDVariable huber(Node node, LossOp.Huber op) {
    SDVariable difference = to.in(node, 0).sub(to.in(node, 1));
    SDVariable clipped = program.math().clipByValue(difference, -op.delta(), op.delta());
    return mean(clipped.mul(difference.sub(clipped.mul(0.5))), elements(node));
  }

  private long elements(Node node) {
    return Tensor.elements(to.shape(node, 0));
  }

  private SDVariable mean(SDVariable x, long elements) {
    long[] all = {elements};
    return to.reduced(Statistic.MEAN, to.reshaped(x, all), all, false, 0);
  }

  SDVariable preference(Node node, LossOp.Preference op) {
    long pairs = pairs(node);
    SDVariable lead = lead(to.in(node, 0), pairs).sub(lead(to.in(node, 1), pairs));
    return mean(ElementOps.softplus(to, lead.mul(-op.beta())), pairs);
  }

  /** What the first of each pair has over the second. */
  private SDVariable lead(SDVariable x, long pairs) {
    float[] signs = {1, -1};
    long[] rows = {pairs, 2};
    SDVariable signed = to.reshaped(x, rows).mul(to.constant(signs, 1, 2));
    return to.reduced(Statistic.SUM, signed, rows, false, 1);
  }

  private long pairs(Node node) {
    long rows = to.shape(node, 0)[0];
    if (rows % 2 != 0) {
      throw new GraphException(
          node.name(),
          "expected rows in pairs, so an even number of them, got " + rows + "; use even batches");
    }
    return rows / 2;
  }

  SDVariable contrastive(Node node, LossOp.Contrastive op) {
    long pairs = pairs(node);
    long size = to.shape(node, 0)[1];
    SDVariable[] sides = program.split(to.reshaped(to.in(node, 0), pairs, 2 * size), 2, 1);
    SDVariable scores = to.product(sides[0], sides[1], true).div(op.temperature());
    float[] own = new float[Math.toIntExact(pairs * pairs)];
    for (int i = 0; i < pairs; i++) {
      own[i * ((int) pairs + 1)] = -1f / pairs;
    }
    SDVariable logs = program.nn().logSoftmax(scores);
    return sum(logs.mul(to.constant(own, pairs, pairs)), pairs, pairs);
  }
}
