package io.athanor.backend.dl4j.network;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The graph as far as it is built, and the parameters as far as they are read. */
final class Assembly {
  private final GraphBuilder graph;
  private final Coefficients coefficients;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Set<String> names = new HashSet<>();

  Assembly(GraphBuilder graph, Coefficients coefficients) {
    this.graph = graph;
    this.coefficients = coefficients;
  }

  GraphBuilder graph() {
    return graph;
  }

  /** A name for a layer's node and its parameters that every format can hold. */
  String name(String layer) {
    String word =
        layer.matches("layer\\d+") ? layer.substring(5) : layer.replaceAll("[^A-Za-z0-9_]", "_");
    String name = "layers." + word;
    for (int n = 2; !names.add(name); n++) {
      name = "layers." + word + "_" + n;
    }
    return name;
  }

  /** The next numbers, as many as a shape has elements. */
  float[] take(Settings layer, long... shape) throws IOException {
    long count = 1;
    for (long size : shape) {
      if (size > Integer.MAX_VALUE / count) {
        throw layer.fail("it has more parameters than one tensor holds: " + Arrays.toString(shape));
      }
      count *= size;
    }
    return coefficients.take(layer.place(), (int) count);
  }

  /** Declares a parameter with its numbers in row-major order; gives its name. */
  String parameter(String name, Parameter.Role role, float[] values, long... shape) {
    tensors.put(name, Tensor.ofFloats(values, shape));
    return graph.declare(new Parameter(name, Shape.of(shape), Initializer.ZEROS, role));
  }

  /** Declares a parameter of the next numbers, which lie in row-major order of this shape. */
  String next(Settings layer, String name, Parameter.Role role, long... shape) throws IOException {
    return parameter(name, role, take(layer, shape), shape);
  }

  Weights weights() {
    return Weights.of(tensors);
  }

  Graph build() {
    coefficients.requireNoMore();
    return graph.build();
  }
}
