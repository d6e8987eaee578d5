package io.athanor.backend.dl4j;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Arrays by parameter, which all programs of a model share. */
final class Parameters implements AutoCloseable {
  private final Map<String, NativeArray> arrays = new LinkedHashMap<>();

  private Parameters() {}

  /**
   * Copies of weights, checked to fit.
   *
   * @throws GraphException if weights are missing, of the wrong shape or not F32
   */
  static Parameters of(Graph graph, Weights weights) {
    weights.requireFit(graph);
    for (Parameter parameter : graph.parameters()) {
      Tensor tensor = weights.tensor(parameter.name());
      if (tensor.dtype() != DType.F32) {
        throw new GraphException(
            parameter.name(),
            "expected F32 weights, got " + tensor.dtype() + "; convert them first");
      }
    }
    Parameters parameters = new Parameters();
    for (Parameter parameter : graph.parameters()) {
      parameters.arrays.put(parameter.name(), NativeArray.of(weights.tensor(parameter.name())));
    }
    return parameters;
  }

  /** Zeros for each trained parameter, under its name behind a prefix. */
  static Parameters zeros(Graph graph, String... prefixes) {
    Parameters parameters = new Parameters();
    for (String prefix : prefixes) {
      for (Parameter parameter : graph.parameters()) {
        if (parameter.trained()) {
          long[] shape = parameter.shape().resolve(Map.of());
          parameters.arrays.put(prefix + parameter.name(), NativeArray.zeros(shape));
        }
      }
    }
    return parameters;
  }

  NativeArray get(String name) {
    return Objects.requireNonNull(arrays.get(name), name);
  }

  Map<String, NativeArray> all() {
    return arrays;
  }

  Map<String, Tensor> copy() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    arrays.forEach((name, array) -> tensors.put(name, array.copy()));
    return tensors;
  }

  @Override
  public void close() {
    arrays.values().forEach(NativeArray::close);
  }
}
