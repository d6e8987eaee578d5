package io.athanor.tck.reference;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The moments of an optimizer and the way they change weights; formulas as in PyTorch. */
final class Updates {
  private final Optimizer optimizer;
  private final Graph graph;
  private final Map<String, Array> moments = new LinkedHashMap<>();

  Updates(Optimizer optimizer, Graph graph) {
    this.optimizer = optimizer;
    this.graph = graph;
    List<String> kinds =
        optimizer instanceof Optimizer.Sgd ? List.of("momentum/") : List.of("first/", "second/");
    for (String kind : kinds) {
      for (Parameter parameter : graph.parameters()) {
        if (parameter.trained()) {
          int[] shape =
              Arrays.stream(parameter.shape().resolve(Map.of()))
                  .mapToInt(Math::toIntExact)
                  .toArray();
          moments.put(kind + parameter.name(), Array.zeros(shape));
        }
      }
    }
  }

  Map<String, Tensor> state() {
    return Tensors.tensors(moments);
  }

  /** Takes over moments, checked to be of this graph and optimizer. */
  void restore(Map<String, Tensor> state) {
    if (!state.keySet().equals(moments.keySet())) {
      throw new GraphException(
          graph.name(), "expected optimizer state " + moments.keySet() + ", got " + state.keySet());
    }
    Map<String, Array> restored = new LinkedHashMap<>();
    moments.forEach(
        (name, moment) -> {
          Tensor expected = Tensors.tensor(moment, DType.F32);
          Tensor tensor = Tensors.required(name, state);
          if (!tensor.toString().equals(expected.toString())) {
            throw new GraphException(
                name, "expected optimizer state " + expected + ", got " + tensor);
          }
          restored.put(name, Tensors.array(tensor));
        });
    moments.putAll(restored);
  }

  /**
   * Changes the weights in place.
   *
   * @param step counted from 1
   */
  void apply(Map<String, Array> weights, Map<String, Array> gradients, double rate, long step) {
    for (Parameter parameter : graph.parameters()) {
      Array weight = weights.get(parameter.name());
      Array gradient = gradients.get(parameter.name());
      if (weight == null || gradient == null) {
        continue;
      }
      if (optimizer instanceof Optimizer.Sgd sgd) {
        Array velocity = moment("momentum/", parameter);
        if (parameter.decays()) {
          gradient.add(sgd.weightDecay(), weight);
        }
        blend(velocity, sgd.momentum(), gradient, 1);
        weight.add(-rate, velocity);
      } else if (optimizer instanceof Optimizer.Adam adam) {
        adam(parameter, weight, gradient, adam, rate, step);
      } else if (optimizer instanceof Optimizer.AdamW adamW) {
        if (parameter.decays()) {
          weight.add(-rate * adamW.weightDecay(), weight);
        }
        Optimizer.Adam adam = new Optimizer.Adam(adamW.beta1(), adamW.beta2(), adamW.epsilon());
        adam(parameter, weight, gradient, adam, rate, step);
      }
    }
    weights.values().forEach(Updates::roundToFloat);
    moments.values().forEach(Updates::roundToFloat);
  }

  private void adam(
      Parameter parameter,
      Array weight,
      Array gradient,
      Optimizer.Adam adam,
      double rate,
      long step) {
    Array first = moment("first/", parameter);
    Array second = moment("second/", parameter);
    blend(first, adam.beta1(), gradient, 1 - adam.beta1());
    blend(second, adam.beta2(), gradient.map(g -> g * g), 1 - adam.beta2());
    double correction1 = 1 - Math.pow(adam.beta1(), (double) step);
    double correction2 = 1 - Math.pow(adam.beta2(), (double) step);
    for (int i = 0; i < weight.count(); i++) {
      double root = Math.sqrt(second.values[i] / correction2) + adam.epsilon();
      weight.values[i] -= rate / correction1 * first.values[i] / root;
    }
  }

  private Array moment(String kind, Parameter parameter) {
    Array moment = moments.get(kind + parameter.name());
    if (moment == null) {
      throw new IllegalStateException("every trained parameter has moments");
    }
    return moment;
  }

  private static void blend(Array moment, double keep, Array gradient, double share) {
    for (int i = 0; i < moment.count(); i++) {
      moment.values[i] = keep * moment.values[i] + share * gradient.values[i];
    }
  }

  private static void roundToFloat(Array array) {
    for (int i = 0; i < array.count(); i++) {
      array.values[i] = (float) array.values[i];
    }
  }
}
