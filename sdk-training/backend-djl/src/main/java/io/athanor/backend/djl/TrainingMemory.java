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
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The weights, gradients and optimizer moments of a model in training, which libtorch updates.
 * Those of a {@link ParameterGroup} lie one after the other, so that one operation updates them
 * all.
 */
final class TrainingMemory {
  private final PtNDManager manager;
  private final Placement placement;
  private final Map<String, NativeTensor> weights = new LinkedHashMap<>();
  private final Map<String, Tensor> frozen = new LinkedHashMap<>();
  private final Map<String, NativeTensor> learned = new LinkedHashMap<>();
  private final Map<String, NativeTensor> gradients = new LinkedHashMap<>();
  private final Map<String, NativeTensor> statistics = new LinkedHashMap<>();
  private final Map<String, NativeTensor> moments = new LinkedHashMap<>();
  private final List<Collection<PtNDArray>> blocks = new ArrayList<>();
  private final List<PtNDArray> gradientBlocks = new ArrayList<>();
  private final NativeTensor stepCount;

  /**
   * Copies the weights but for the frozen ones, which stay where they are; the moments are zero.
   */
  TrainingMemory(
      NativeScope scope,
      Graph graph,
      Weights first,
      Optimizer optimizer,
      List<ParameterGroup> groups) {
    this.manager = scope.manager();
    this.placement = scope.placement();
    this.stepCount = placement.zeros(manager, DType.F32);
    graph.parameters().forEach(parameter -> weights.put(parameter.name(), stepCount));
    for (ParameterGroup group : groups) {
      lay(weights, "", graph, group);
      gradientBlocks.add(lay(gradients, "", graph, group));
      List<String> prefixes = ParameterGroup.moments(optimizer);
      prefixes.forEach(prefix -> lay(moments, prefix, graph, group));
      if (prefixes.size() == 1) {
        blocks.add(blocks.get(blocks.size() - 1));
      }
      blocks.add(List.of(stepCount.array()));
    }
    for (Parameter parameter : graph.parameters()) {
      String name = parameter.name();
      if (parameter.trained()) {
        required(weights, name).set(first.tensor(name));
      } else if (parameter.role() == Parameter.Role.FROZEN) {
        frozen.put(name, first.tensor(name));
        weights.put(name, placement.of(manager, first.tensor(name)));
      } else {
        weights.put(name, placement.copyOf(manager, first.tensor(name)));
      }
      if (parameter.learned()) {
        learned.put(name, required(weights, name));
      }
      if (parameter.role() == Parameter.Role.STATISTIC) {
        statistics.put(name, required(weights, name));
      }
    }
  }

  /** Adds a block of zeros to the lists, and a tensor within it for each parameter of a group. */
  private PtNDArray lay(
      Map<String, NativeTensor> tensors, String prefix, Graph graph, ParameterGroup group) {
    long size = 0;
    for (String name : group.names()) {
      size += room(graph, name);
    }
    NativeTensor block = placement.zeros(manager, DType.F32, size);
    blocks.add(List.of(block.array()));
    long from = 0;
    for (String name : group.names()) {
      long[] shape = graph.parameter(name).shape().resolve(Map.of());
      tensors.put(prefix + name, block.part(manager, from, shape));
      from += room(graph, name);
    }
    return block.array();
  }

  /** The elements of a parameter, up to the next aligned address. */
  private static long room(Graph graph, String name) {
    long step = HostTensor.STEP;
    return (graph.parameter(name).shape().elements() + step - 1) / step * step;
  }

  /** The lists that {@link ProgramWriter#forTraining} wants bound. */
  List<Collection<PtNDArray>> lists() {
    List<Collection<PtNDArray>> lists = new ArrayList<>();
    lists.add(weights.values().stream().map(NativeTensor::array).toList());
    lists.add(gradients.values().stream().map(NativeTensor::array).toList());
    lists.add(gradientBlocks);
    lists.addAll(blocks);
    return lists;
  }

  /** Tells the optimizer the number of the step, counted from 1. */
  void countStep(long step) {
    stepCount.set(Tensor.ofFloats(new float[] {step}));
  }

  /** The gradients of the latest step. */
  Map<String, Tensor> gradients() {
    return copies(gradients);
  }

  Map<String, Tensor> weights() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    weights.forEach(
        (name, tensor) -> {
          Tensor same = frozen.get(name);
          all.put(name, same != null ? same : tensor.copy());
        });
    return all;
  }

  /** Those that are not frozen. */
  Map<String, Tensor> learned() {
    return copies(learned);
  }

  Map<String, Tensor> statistics() {
    return copies(statistics);
  }

  Map<String, Tensor> moments() {
    return copies(moments);
  }

  private static Map<String, Tensor> copies(Map<String, NativeTensor> tensors) {
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
    state.requireFit(shapes(learned), shapes(moments));
    learned.forEach((name, tensor) -> tensor.set(state.weights().tensor(name)));
    moments.forEach((name, tensor) -> tensor.set(required(state.optimizer(), name)));
  }

  private static <T> T required(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), name);
  }

  private static Map<String, long[]> shapes(Map<String, NativeTensor> tensors) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }
}
