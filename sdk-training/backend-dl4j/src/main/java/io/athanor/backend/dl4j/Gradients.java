package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import java.nio.FloatBuffer;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The gradients of all trained parameters, added up over micro-batches. */
final class Gradients implements AutoCloseable {
  private final Parameters sums;

  Gradients(Graph graph) {
    this.sums = Parameters.zeros(graph, "");
  }

  void clear() {
    sums.all().values().forEach(sum -> sum.array().assign(0));
  }

  /** Adds those of a micro-batch. */
  void add(Program.Outcome outcome, double share) {
    outcome
        .parameters()
        .forEach(
            (name, placeholder) -> {
              if (outcome.hasGradient(placeholder)) {
                try (NativeArray part = NativeArray.scaled(outcome.gradient(placeholder), share)) {
                  sums.get(name).array().addi(part.array());
                }
              }
            });
    for (Program.Gathered rows : outcome.gathered()) {
      if (outcome.hasGradient(rows.variable())) {
        scatter(rows, outcome.gradient(rows.variable()), outcome.call(), (float) share);
      }
    }
  }

  private void scatter(Program.Gathered rows, INDArray gradient, Call call, float share) {
    FloatBuffer sum = sums.get(rows.parameter()).writing();
    float[] each = NativeArray.tensor(gradient, gradient.length()).floats();
    int from = 0;
    for (int id : rows.ids().of(call)) {
      int to = id * rows.width();
      for (int i = 0; i < rows.width(); i++) {
        sum.put(to + i, sum.get(to + i) + share * each[from++]);
      }
    }
  }

  /** The root of the sum of all squares. */
  double norm() {
    double squares = 0;
    for (NativeArray sum : sums.all().values()) {
      double norm = sum.array().norm2Number().doubleValue();
      squares += norm * norm;
    }
    return Math.sqrt(squares);
  }

  void scale(double factor) {
    sums.all().values().forEach(sum -> sum.array().muli(factor));
  }

  INDArray of(String parameter) {
    return sums.get(parameter).array();
  }

  Map<String, Tensor> copy() {
    return sums.copy();
  }

  @Override
  public void close() {
    sums.close();
  }
}
