package io.athanor.backend.dl4j;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

/** The moments of an optimizer, and how it changes weights. */
final class Updates implements AutoCloseable {
  private final List<Parameter> trained;
  private final Optimizer optimizer;
  private final Parameters moments;

  Updates(Graph graph, Optimizer optimizer) {
    this.trained = graph.parameters().stream().filter(Parameter::trained).toList();
    this.optimizer = optimizer;
    this.moments =
        optimizer instanceof Optimizer.Sgd
            ? Parameters.zeros(graph, "momentum/")
            : Parameters.zeros(graph, "first/", "second/");
  }

  Parameters moments() {
    return moments;
  }

  /**
   * Changes the weights in place, and uses up the gradients.
   *
   * @param step counted from 1
   */
  void apply(Parameters weights, Gradients gradients, double rate, long step) {
    for (Parameter parameter : trained) {
      INDArray weight = weights.get(parameter.name()).array();
      INDArray gradient = gradients.of(parameter.name());
      if (optimizer instanceof Optimizer.Sgd sgd) {
        double decay = parameter.decays() ? sgd.weightDecay() : 0;
        descend(weight, gradient, parameter.name(), sgd.momentum(), decay, rate);
      } else if (optimizer instanceof Optimizer.AdamW adam) {
        if (parameter.decays()) {
          weight.muli(1 - rate * adam.weightDecay());
        }
        adapt(
            weight,
            gradient,
            parameter.name(),
            new Optimizer.Adam(adam.beta1(), adam.beta2(), adam.epsilon()),
            rate,
            step);
      } else if (optimizer instanceof Optimizer.Adam adam) {
        adapt(weight, gradient, parameter.name(), adam, rate, step);
      }
    }
  }

  /** Momentum as PyTorch has it; ND4J's {@code Nesterovs} looks ahead. */
  private void descend(
      INDArray weight, INDArray gradient, String name, double momentum, double decay, double rate) {
    INDArray velocity = moments.get("momentum/" + name).array();
    if (decay > 0) {
      try (INDArray pull = weight.mul(decay)) {
        gradient.addi(pull);
      }
    }
    velocity.muli(momentum).addi(gradient);
    try (INDArray change = velocity.mul(rate)) {
      weight.subi(change);
    }
  }

  /**
   * ND4J divides by {@code sqrt(v) + epsilon} before it corrects the bias of {@code v}, so it gets
   * an epsilon that comes out as ours. It takes a rate of 0 for a tiny one.
   */
  private void adapt(
      INDArray weight,
      INDArray gradient,
      String name,
      Optimizer.Adam adam,
      double rate,
      long step) {
    double epsilon = adam.epsilon() * Math.sqrt(1 - Math.pow(adam.beta2(), (double) step));
    Nd4j.exec(
        new AdamUpdater(
            gradient,
            moments.get("second/" + name).array(),
            moments.get("first/" + name).array(),
            rate == 0 ? 1 : rate,
            adam.beta1(),
            adam.beta2(),
            epsilon,
            Math.toIntExact(step - 1)));
    if (rate > 0) {
      weight.subi(gradient);
    }
  }

  @Override
  public void close() {
    moments.close();
  }
}
