package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.error.GraphException;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an operation sees while its result type is worked out, with the checks that name the layer.
 *
 * @param layer the node's name
 * @param inputs types of the inputs
 * @param parameterShapes gives the shape of a parameter, or null if there is none of that name
 */
public record Inference(
    String layer, List<TensorType> inputs, Function<String, @Nullable Shape> parameterShapes) {

  /**
   * The type of an operation's result.
   *
   * @throws GraphException if the operation does not fit, or if sizes overflow
   */
  TensorType of(Op op) {
    try {
      return op.infer(this);
    } catch (ArithmeticException e) {
      throw fail("sizes are too large to count, got " + inputs);
    }
  }

  /** Checks the number of inputs. */
  public void count(int from, int to) {
    int n = inputs.size();
    if (n < from || n > to) {
      throw fail("expected " + (from == to ? from + "" : from + " to " + to) + " inputs, got " + n);
    }
  }

  /** The type of an input that must hold fractions. */
  public Shape floating(int index) {
    TensorType type = inputs.get(index);
    if (!type.dtype().floating()) {
      throw fail("expected input " + index + " to hold floats, got " + type);
    }
    return type.shape();
  }

  /** The shape of an input that must hold integers. */
  public Shape integers(int index) {
    TensorType type = inputs.get(index);
    if (type.dtype() != DType.I64) {
      throw fail("expected input " + index + " to hold I64, got " + type);
    }
    return type.shape();
  }

  /** The shape of a float input of this rank; the legend names its axes for the error. */
  public Shape floating(int index, int rank, String legend) {
    return ranked(index, floating(index), rank, legend);
  }

  /** The shape of an integer input of this rank; the legend names its axes for the error. */
  public Shape integers(int index, int rank, String legend) {
    return ranked(index, integers(index), rank, legend);
  }

  /** The shape of a float input that has a last axis. */
  public Shape floatingRows(int index) {
    Shape shape = floating(index);
    if (shape.rank() < 1) {
      throw fail("expected input " + index + " of shape [.., size], got a scalar");
    }
    return shape;
  }

  private Shape ranked(int index, Shape shape, int rank, String legend) {
    if (shape.rank() != rank) {
      throw fail("expected input " + index + " of shape " + legend + ", got " + shape);
    }
    return shape;
  }

  /** The shape of a parameter. */
  public Shape parameter(String name) {
    Shape shape = parameterShapes.apply(name);
    if (shape == null) {
      throw fail("there is no parameter '" + name + "'");
    }
    return shape;
  }

  /** The shape of a parameter, checked against the expected one; a null size accepts any. */
  public Shape parameter(String name, @Nullable Dim... expected) {
    Shape shape = parameter(name);
    boolean fits = shape.rank() == expected.length;
    for (int i = 0; fits && i < expected.length; i++) {
      fits = expected[i] == null || shape.dim(i).equals(expected[i]);
    }
    if (!fits) {
      StringBuilder legend = new StringBuilder("[");
      for (int i = 0; i < expected.length; i++) {
        legend.append(i > 0 ? ", " : "").append(expected[i] == null ? "any" : expected[i]);
      }
      throw fail("expected parameter '" + name + "' of shape " + legend + "], got " + shape);
    }
    return shape;
  }

  /** The fixed size of one axis of an input. */
  public long fixed(int index, int axis) {
    Dim dim = inputs.get(index).shape().dim(axis);
    if (!dim.fixed()) {
      throw fail(
          "expected a fixed size on axis " + axis + " of input " + index + ", got symbol " + dim);
    }
    return dim.offset();
  }

  /** Checks that two shapes are equal. */
  public void same(String what, Shape expected, Shape actual) {
    if (!expected.equals(actual)) {
      throw fail("expected " + what + " of shape " + expected + ", got " + actual);
    }
  }

  /** An error that names the layer. */
  public GraphException fail(String problem) {
    return new GraphException(layer, problem);
  }
}
