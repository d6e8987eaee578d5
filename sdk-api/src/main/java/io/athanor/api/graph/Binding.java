package io.athanor.api.graph;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Works out what symbolic sizes stand for in a batch. */
final class Binding {
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, String> origins = new HashMap<>();

  private Binding() {}

  static Map<String, Long> of(Collection<Input> inputs, Map<String, Tensor> tensors) {
    Binding binding = new Binding();
    for (Input input : inputs) {
      Tensor tensor = tensors.get(input.name());
      if (tensor == null) {
        throw new GraphException(
            input.name(),
            "expected a tensor " + input.type() + " for this input, got only " + tensors.keySet());
      }
      binding.bind(input, tensor);
    }
    return Map.copyOf(binding.sizes);
  }

  private void bind(Input input, Tensor tensor) {
    Shape shape = input.type().shape();
    if (tensor.dtype() != input.type().dtype() || tensor.rank() != shape.rank()) {
      throw new GraphException(input.name(), "expected " + input.type() + ", got " + tensor);
    }
    for (int axis = 0; axis < shape.rank(); axis++) {
      bind(input, tensor, axis);
    }
  }

  private void bind(Input input, Tensor tensor, int axis) {
    Dim dim = input.type().shape().dim(axis);
    long size = tensor.size(axis);
    String symbol = dim.symbol();
    if (symbol == null) {
      if (size != dim.offset()) {
        throw new GraphException(
            input.name(),
            "expected " + input.type() + ", got " + tensor + ", which differs on axis " + axis);
      }
      return;
    }
    long value = size - dim.offset();
    if (value < 1) {
      throw new GraphException(
          input.name(), "expected '" + symbol + "' of at least 1, got " + value + " in " + tensor);
    }
    Long known = sizes.putIfAbsent(symbol, value);
    if (known == null) {
      origins.put(symbol, input.name());
    } else if (known != value) {
      throw new GraphException(
          input.name(),
          "expected '"
              + symbol
              + "' of "
              + known
              + " as in '"
              + origins.get(symbol)
              + "', got "
              + value);
    }
  }
}
