package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/** Tensors by canonical parameter name. Immutable and thread-safe. */
public final class Weights {
  private final Map<String, Tensor> tensors;

  private Weights(Map<String, Tensor> tensors) {
    this.tensors = tensors;
  }

  public static Weights of(Map<String, Tensor> tensors) {
    return new Weights(Collections.unmodifiableMap(new LinkedHashMap<>(tensors)));
  }

  /**
   * First values for every parameter of a graph; zeros for those of I8. Each parameter draws from a
   * stream of its own, derived from seed and name, so that adding a layer leaves the others as they
   * were.
   *
   * @throws GraphException if a parameter is too large for one tensor
   */
  public static Weights initialize(Graph graph, long seed) {
    return initialize(graph.parameters(), seed);
  }

  /** First values for some of a graph's parameters, the same that they get among all. */
  public static Weights initialize(Collection<Parameter> parameters, long seed) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      tensors.put(parameter.name(), first(parameter, seed));
    }
    return of(tensors);
  }

  private static Tensor first(Parameter parameter, long seed) {
    long elements = parameter.shape().elements();
    if (elements > Integer.MAX_VALUE / Float.BYTES) {
      throw new GraphException(
          parameter.name(),
          "one tensor holds less than 2 GiB, got shape "
              + parameter.shape()
              + "; split the parameter");
    }
    if (parameter.type() == DType.I8) {
      ByteBuffer zeros = Tensor.allocate(DType.I8, elements);
      return Tensor.of(DType.I8, zeros, parameter.shape().resolve(Map.of()));
    }
    ByteBuffer bytes = Tensor.allocate(DType.F32, elements);
    FloatBuffer floats = bytes.asFloatBuffer();
    DoubleSupplier values = values(parameter, seed);
    while (floats.hasRemaining()) {
      floats.put((float) values.getAsDouble());
    }
    return Tensor.of(DType.F32, bytes, parameter.shape().resolve(Map.of()));
  }

  private static DoubleSupplier values(Parameter parameter, long seed) {
    SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + stable(parameter));
    if (parameter.initializer() instanceof Initializer.Normal normal) {
      return () -> normal.deviation() * random.nextGaussian();
    }
    if (parameter.initializer() instanceof Initializer.Uniform uniform) {
      return () -> uniform.bound() * (2 * random.nextDouble() - 1);
    }
    double constant = ((Initializer.Constant) parameter.initializer()).value();
    return () -> constant;
  }

  private static long stable(Parameter parameter) {
    String hex = Digest.ofText(parameter.name()).hex();
    return Long.parseUnsignedLong(hex.substring(0, 16), 16);
  }

  /** The tensors, in a fixed order. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** These tensors with those of others in place of the ones of their names, or after them. */
  public Weights with(Weights others) {
    Map<String, Tensor> merged = new LinkedHashMap<>(tensors);
    merged.putAll(others.tensors);
    return of(merged);
  }

  /**
   * One tensor.
   *
   * @throws GraphException if there is none of that name
   */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new GraphException(
          name, "the weights hold no tensor of this name; they hold " + tensors.keySet());
    }
    return tensor;
  }

  /**
   * Checks that there is a tensor of the right shape for every parameter: of I8 where the parameter
   * is, else of floating-point numbers.
   *
   * @throws GraphException naming the first parameter that does not fit
   */
  public void requireFit(Graph graph) {
    for (Parameter parameter : graph.parameters()) {
      Tensor tensor = tensor(parameter.name());
      boolean whole = parameter.type() == DType.I8;
      if ((whole ? tensor.dtype() != DType.I8 : !tensor.dtype().floating())
          || !Arrays.equals(tensor.shape(), parameter.shape().resolve(Map.of()))) {
        throw new GraphException(
            parameter.name(),
            "expected "
                + (whole ? "I8" : "floating-point")
                + " weights of shape "
                + parameter.shape()
                + ", got "
                + tensor);
      }
    }
  }

  /** A digest of names, types, shapes and bits, whatever the order. */
  public Digest digest() {
    MessageDigest digest = Digest.sha256();
    tensors.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            entry -> {
              String head = entry.getKey() + entry.getValue() + "\n";
              digest.update(head.getBytes(StandardCharsets.UTF_8));
              digest.update(entry.getValue().bytes());
            });
    return Digest.finish(digest);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Weights that && tensors.equals(that.tensors);
  }

  @Override
  public int hashCode() {
    return tensors.keySet().hashCode();
  }

  @Override
  public String toString() {
    return tensors.size() + " tensors";
  }
}
