package io.athanor.training.compress;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** Weights from which rows and columns are removed. */
final class Cut {
  private final Weights whole;
  private final Map<String, int[]> rows = new HashMap<>();
  private final Map<String, int[]> columns = new HashMap<>();

  Cut(Weights whole) {
    this.whole = whole;
  }

  /** Removes the neurons of a layer that weigh least; of equals, the last ones. */
  void remove(HiddenLayer layer, long count) {
    double[] weight = weights(layer);
    int[] kept =
        IntStream.range(0, weight.length)
            .boxed()
            .sorted(Comparator.comparingDouble(neuron -> -weight[neuron]))
            .limit(weight.length - count)
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray();
    layer.makers().forEach(name -> rows.put(name, kept));
    layer.vectors().forEach(name -> rows.put(name, kept));
    columns.put(layer.reader(), kept);
  }

  /** For each neuron, the norm of what makes it times the norm of what reads it. */
  private double[] weights(HiddenLayer layer) {
    int width = Math.toIntExact(layer.width());
    double[] made = new double[width];
    for (String name : layer.makers()) {
      float[] matrix = whole.tensor(name).floats();
      for (int i = 0; i < matrix.length; i++) {
        made[i / (matrix.length / width)] += (double) matrix[i] * matrix[i];
      }
    }
    double[] read = new double[width];
    Tensor reader = whole.tensor(layer.reader());
    float[] matrix = reader.floats();
    int inner = matrix.length / Math.toIntExact(reader.size(0)) / width;
    for (int i = 0; i < matrix.length; i++) {
      read[i / inner % width] += (double) matrix[i] * matrix[i];
    }
    return IntStream.range(0, width).mapToDouble(i -> Math.sqrt(made[i] * read[i])).toArray();
  }

  /** The shape that remains of a tensor. */
  long[] shape(String name) {
    long[] shape = whole.tensor(name).shape();
    if (rows.containsKey(name)) {
      shape[0] = rows.get(name).length;
    }
    if (columns.containsKey(name)) {
      shape[1] = columns.get(name).length;
    }
    return shape;
  }

  /** What remains of all. */
  Weights weights() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    whole
        .tensors()
        .forEach(
            (name, tensor) ->
                tensors.put(
                    name,
                    rows.containsKey(name) || columns.containsKey(name)
                        ? part(name, tensor)
                        : tensor));
    return Weights.of(tensors);
  }

  private Tensor part(String name, Tensor tensor) {
    long[] shape = shape(name);
    int height = Math.toIntExact(tensor.size(0));
    int width = tensor.rank() > 1 ? Math.toIntExact(tensor.size(1)) : 1;
    int inner = Math.toIntExact(tensor.elements() / height / width);
    float[] from = tensor.floats();
    ByteBuffer to = Tensor.allocate(tensor.dtype(), Tensor.elements(shape));
    for (int row : rows.getOrDefault(name, all(height))) {
      for (int column : columns.getOrDefault(name, all(width))) {
        int start = (row * width + column) * inner;
        for (float value : Arrays.copyOfRange(from, start, start + inner)) {
          to.putFloat(value);
        }
      }
    }
    return Tensor.of(tensor.dtype(), to.flip(), shape);
  }

  private static int[] all(int count) {
    return IntStream.range(0, count).toArray();
  }
}
