package io.athanor.tck.reference;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Arrays from tensors and back. */
final class Tensors {
  private Tensors() {}

  /** The numbers of a tensor of 32-bit floats or of integers. */
  static Array array(Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.elements())];
    ByteBuffer bytes = tensor.bytes();
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case I64 -> bytes.getLong();
            case I8 -> bytes.get();
            case F32 -> bytes.getFloat();
            case F16, BF16 ->
                throw new IllegalArgumentException("tensor must not have 16 bits, is " + tensor);
          };
    }
    return Array.of(values, Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray());
  }

  /** A tensor of {@link DType#F32} or {@link DType#I64}. */
  static Tensor tensor(Array array, DType dtype) {
    ByteBuffer bytes = Tensor.allocate(dtype, array.count());
    for (double value : array.values) {
      if (dtype == DType.I64) {
        bytes.putLong((long) value);
      } else {
        bytes.putFloat((float) value);
      }
    }
    return Tensor.of(dtype, bytes.flip(), Arrays.stream(array.shape).asLongStream().toArray());
  }

  /** The inputs of a graph, checked to fit it. */
  static Map<String, Array> inputs(Graph graph, Map<String, Tensor> tensors) {
    graph.sizes(tensors);
    Map<String, Array> inputs = new LinkedHashMap<>();
    for (Input input : graph.inputs()) {
      inputs.put(input.name(), array(required(input.name(), tensors)));
    }
    return inputs;
  }

  static Tensor required(String name, Map<String, Tensor> tensors) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new GraphException(name, "expected a tensor of this name, got " + tensors.keySet());
    }
    return tensor;
  }

  /** The parameters of a graph, checked to fit it. */
  static Map<String, Array> parameters(Graph graph, Weights weights) {
    weights.requireFit(graph);
    Map<String, Array> parameters = new LinkedHashMap<>();
    for (Parameter parameter : graph.parameters()) {
      Tensor tensor = weights.tensor(parameter.name());
      if (tensor.dtype() != parameter.type()) {
        throw new GraphException(
            parameter.name(), "expected weights of " + parameter.type() + ", got " + tensor);
      }
      parameters.put(parameter.name(), array(tensor));
    }
    return parameters;
  }

  static Map<String, Tensor> tensors(Map<String, Array> arrays) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    arrays.forEach((name, array) -> tensors.put(name, tensor(array, DType.F32)));
    return tensors;
  }
}
