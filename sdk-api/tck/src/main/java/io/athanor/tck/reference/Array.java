package io.athanor.tck.reference;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Numbers in row-major order; integers up to 2^53 are exact. */
final class Array {
  final double[] values;
  final int[] shape;

  private Array(double[] values, int[] shape) {
    this.values = values;
    this.shape = shape;
  }

  static Array of(double[] values, int... shape) {
    if (values.length != elements(shape)) {
      throw new IllegalArgumentException(
          "values must be " + elements(shape) + " for " + Arrays.toString(shape));
    }
    return new Array(values, shape);
  }

  static Array zeros(int... shape) {
    return new Array(new double[elements(shape)], shape);
  }

  static Array scalar(double value) {
    return of(new double[] {value});
  }

  private static int elements(int[] shape) {
    int n = 1;
    for (int size : shape) {
      n = Math.multiplyExact(n, size);
    }
    return n;
  }

  int rank() {
    return shape.length;
  }

  int count() {
    return values.length;
  }

  /** Size along one axis; negative axes count from the end. */
  int size(int axis) {
    return shape[axis < 0 ? shape.length + axis : axis];
  }

  /** The number of rows along the last axis. */
  int rows() {
    return values.length / size(-1);
  }

  Array zerosLike() {
    return zeros(shape);
  }

  Array copy() {
    return new Array(values.clone(), shape);
  }

  /** The same numbers under another shape. */
  Array as(int... other) {
    return of(values, other);
  }

  /** This shape with another last size. */
  int[] shapeWithLast(int size) {
    int[] changed = shape.clone();
    changed[changed.length - 1] = size;
    return changed;
  }

  Array map(DoubleUnaryOperator function) {
    return new Array(Arrays.stream(values).map(function).toArray(), shape);
  }

  /** Adds a multiple of another array of the same shape to this one. */
  void add(double factor, Array other) {
    for (int i = 0; i < values.length; i++) {
      values[i] += factor * other.values[i];
    }
  }

  /** For each axis, how far apart neighbours along it lie. */
  int[] strides() {
    int[] strides = new int[shape.length];
    int step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= shape[axis];
    }
    return strides;
  }

  /** For each place of a shape in row-major order, the sum of its coordinates times strides. */
  static int[] indices(int[] shape, int[] strides) {
    int[] indices = new int[elements(shape)];
    for (int place = 0; place < indices.length; place++) {
      int rest = place;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        indices[place] += rest % shape[axis] * strides[axis];
        rest /= shape[axis];
      }
    }
    return indices;
  }
}
