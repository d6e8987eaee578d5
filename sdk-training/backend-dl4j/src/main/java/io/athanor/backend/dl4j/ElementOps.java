package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Operations element by element, or along the last axis. */
final class ElementOps {
  private static final double GELU_TANH_FACTOR = Math.sqrt(2 / Math.PI);
  private static final double GELU_TANH_CUBIC = 0.044715;
  private static final double LEAST_SQUARE = 1e-24;

  private final ProgramWriter to;
  private final SameDiff program;

  ElementOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable activation(Node node, Activation op) {
    SDVariable x = to.in(node, 0);
    return switch (op.kind()) {
      case RELU -> program.nn().relu(x, 0);
      case GELU -> x.mul(program.math().erf(x.mul(Math.sqrt(0.5))).add(1).mul(0.5));
      case GELU_TANH -> {
        SDVariable cubic = x.mul(x).mul(x).mul(GELU_TANH_CUBIC);
        SDVariable inner = x.add(cubic).mul(GELU_TANH_FACTOR);
        yield x.mul(program.math().tanh(inner).add(1).mul(0.5));
      }
      case SILU -> x.mul(program.nn().sigmoid(x));
      case TANH -> program.math().tanh(x);
      case SIGMOID -> program.nn().sigmoid(x);
      case LEAKY_RELU -> program.nn().leakyRelu(x, 0.01);
      case ELU -> program.nn().elu(x);
      case SOFTPLUS -> softplus(to, x);
    };
  }

  /**
   * {@code log(1 + exp(x))} for any {@code x}: with {@code m = max(x, 0)}, held constant, it is
   * {@code m + log(exp(-m) + exp(x - m))}, whose derivative is the sigmoid everywhere.
   */
  static SDVariable softplus(ProgramWriter to, SDVariable x) {
    SameDiff program = to.program();
    SDVariable most = to.detached(program.nn().relu(x, 0));
    SDVariable sum =
        program.math().exp(program.math().neg(most)).add(program.math().exp(x.sub(most)));
    return most.add(program.math().log(sum));
  }

  SDVariable add(Node node) {
    return to.in(node, 0).add(to.in(node, 1));
  }

  SDVariable multiply(Node node) {
    return to.in(node, 0).mul(to.in(node, 1));
  }

  SDVariable scale(Node node, ElementOp.Scale op) {
    return to.in(node, 0).mul(op.factor());
  }

  SDVariable softmax(Node node) {
    SDVariable x = to.rows(to.in(node, 0), to.shape(node));
    return to.reshaped(program.nn().softmax(x, 1), to.shape(node));
  }

  SDVariable logSoftmax(Node node) {
    SDVariable x = to.rows(to.in(node, 0), to.shape(node));
    return to.reshaped(program.nn().logSoftmax(x), to.shape(node));
  }

  SDVariable dropout(Node node, ElementOp.Dropout op) {
    SDVariable x = to.in(node, 0);
    return to.training() && op.rate() > 0 ? x.mul(to.keep(op.rate(), to.shape(node))) : x;
  }

  SDVariable normalize(Node node) {
    long[] shape = to.shape(node);
    long[] rows = {Tensor.elements(shape) / shape[shape.length - 1], shape[shape.length - 1]};
    SDVariable x = to.reshaped(to.in(node, 0), rows);
    SDVariable square = to.reduced(Statistic.SUM, x.mul(x), rows, true, 1);
    SDVariable length =
        program.math().sqrt(program.math().clipByValue(square, LEAST_SQUARE, Float.MAX_VALUE));
    return to.reshaped(x.div(length), shape);
  }
}
