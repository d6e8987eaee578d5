package io.athanor.api.graph;

import io.athanor.api.common.DType;

/**
 * Element type and shape of a value.
 *
 * @param dtype element type
 * @param shape sizes, possibly symbolic
 */
public record TensorType(DType dtype, Shape shape) {
  public static TensorType f32(Dim... dims) {
    return new TensorType(DType.F32, Shape.of(dims));
  }

  public static TensorType i64(Dim... dims) {
    return new TensorType(DType.I64, Shape.of(dims));
  }

  @Override
  public String toString() {
    return dtype + shape.toString();
  }
}
