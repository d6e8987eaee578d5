package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;

/** A tensor that native code computes with, wherever it lies. */
abstract class NativeTensor {
  private final DType dtype;
  private final long[] shape;
  private final PtNDArray array;

  NativeTensor(DType dtype, PtNDArray array, long... shape) {
    this.dtype = dtype;
    this.shape = shape;
    this.array = array;
  }

  final DType dtype() {
    return dtype;
  }

  final int rank() {
    return shape.length;
  }

  final long size(int axis) {
    return shape[axis];
  }

  final long[] shape() {
    return shape.clone();
  }

  final PtNDArray array() {
    return array;
  }

  /**
   * A further tensor over some of the elements, which start at a multiple of {@link
   * HostTensor#STEP}.
   */
  abstract NativeTensor part(PtNDManager manager, long first, long... size);

  /** Replaces the elements by those of a tensor of this type and shape. */
  abstract void set(Tensor tensor);

  /** A copy of the elements. */
  abstract Tensor copy();
}
