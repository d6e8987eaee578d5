package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The weights and optimizer moments of a model in training, in Java buffers that libtorch updates.
 */
final class TrainingMemory {
  private final PtNDManager manager;
  private final Map<String, HostTensor> weights = new LinkedHashMap<>();
  private final Map<String, HostTensor> trained = new LinkedHashMap<>();
  private final Map<String, HostTensor> statistics = new LinkedHashMap<>();
  private final Map<String, HostTensor> moments = new LinkedHashMap<>();
  private final List<String> prefixes;
  private final HostTensor stepCount;

  /** Copies the weights; the moments are zero. */
  TrainingMemory(PtNDManager manager, Graph graph, Weights first, Optimizer optimizer) {
    this.manager = manager;
    this.prefixes = ParameterGroup.moments(optimizer);
    this.stepCount = HostTensor.zeros(manager, DType.F32);
    for (Parameter parameter : graph.parameters()) {
      HostTensor tensor = HostTensor.copyOf(manager, first.tensor(parameter.name()));
      weights.put(parameter.name(), tensor);
      if (parameter.role() == Parameter.Role.STATISTIC) {
        statistics.put(parameter.name(), tensor);
      } else if (parameter.trained()) {
        tensor.array().setRequiresGradient(true);
      }
    }
    for (ParameterGroup group : ParameterGroup.of(graph, optimizer)) {
      for (String name : group.names()) {
        HostTensor tensor = required(weights, name);
        trained.put(name, tensor);
        for (String prefix : prefixes) {
          moments.put(prefix + name, HostTensor.zeros(manager, DType.F32, tensor.shape()));
        }
      }
    }
  }

  /** The lists the program binds, in the order of {@link ProgramWriter#attributes}. */
  List<Collection<PtNDArray>> lists(List<ParameterGroup> groups) {
    List<Collection<PtNDArray>> lists = new ArrayList<>();
    lists.add(weights.values().stream().map(HostTensor::array).toList());
    for (ParameterGroup group : groups) {
      List<HostTensor> own = group.names().stream().map(name -> required(trained, name)).toList();
      lists.add(own.stream().map(HostTensor::array).toList());
      lists.add(own.stream().map(tensor -> tensor.alias(manager)).toList());
      lists.add(moments(group, prefixes.get(0)));
      lists.add(moments(group, prefixes.get(prefixes.size() - 1)));
      lists.add(Collections.nCopies(own.size(), stepCount.array()));
    }
    return lists;
  }

  private List<PtNDArray> moments(ParameterGroup group, String prefix) {
    return group.names().stream().map(name -> required(moments, prefix + name).array()).toList();
  }

  /** Tells the optimizer the number of the step, counted from 1. */
  void countStep(long step) {
    stepCount.bytes().putFloat(0, (float) step);
  }

  /** The trained parameters, in the order of the program's gradients. */
  Map<String, HostTensor> trained() {
    return trained;
  }

  Map<String, Tensor> weights() {
    return copies(weights);
  }

  Map<String, Tensor> statistics() {
    return copies(statistics);
  }

  Map<String, Tensor> moments() {
    return copies(moments);
  }

  private static Map<String, Tensor> copies(Map<String, HostTensor> tensors) {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> copies.put(name, tensor.copy()));
    return copies;
  }

  void setWeights(Map<String, Tensor> values) {
    values.forEach((name, tensor) -> required(weights, name).set(tensor));
  }

  /**
   * Takes over weights and moments.
   *
   * @throws GraphException if they are not those of this graph and optimizer; nothing has changed
   */
  void restore(TrainingState state) {
    requireFit("weights", weights, state.weights().tensors());
    requireFit("optimizer state", moments, state.optimizer());
    weights.forEach((name, tensor) -> tensor.set(state.weights().tensor(name)));
    moments.forEach((name, tensor) -> tensor.set(required(state.optimizer(), name)));
  }

  private static void requireFit(
      String what, Map<String, HostTensor> wanted, Map<String, Tensor> given) {
    if (!wanted.keySet().equals(given.keySet())) {
      throw new GraphException(
          what,
          "expected the tensors "
              + wanted.keySet()
              + ", got "
              + given.keySet()
              + "; the state is of another graph or optimizer");
    }
    wanted.forEach(
        (name, tensor) -> {
          Tensor other = required(given, name);
          if (other.dtype() != DType.F32 || !Arrays.equals(other.shape(), tensor.shape())) {
            throw new GraphException(
                name,
                "expected F32" + Arrays.toString(tensor.shape()) + " in the state, got " + other);
          }
        });
  }

  private static <T> T required(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), name);
  }
}
