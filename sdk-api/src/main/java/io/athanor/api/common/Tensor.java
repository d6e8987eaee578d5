package io.athanor.api.common;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * An array of numbers in Java memory: element type, shape, and little-endian row-major bytes. A
 * container that carries data between stages and engines; arithmetic belongs to the backends.
 * Immutable by contract: nobody writes into the bytes of a tensor that was handed over. Thread-safe
 * under that contract.
 */
public final class Tensor {
  private final DType dtype;
  private final long[] shape;
  private final ByteBuffer bytes;

  private Tensor(DType dtype, long[] shape, ByteBuffer bytes) {
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
  }

  /**
   * Wraps bytes without a copy.
   *
   * @param bytes little-endian row-major elements, from position to limit; direct or heap
   * @throws IllegalArgumentException if the number of bytes does not fit type and shape
   */
  public static Tensor of(DType dtype, ByteBuffer bytes, long... shape) {
    long expected = elements(shape) * dtype.bytes();
    if (bytes.remaining() != expected) {
      throw new IllegalArgumentException(
          "bytes must be "
              + expected
              + " for "
              + dtype
              + " "
              + Arrays.toString(shape)
              + ", got "
              + bytes.remaining());
    }
    return new Tensor(dtype, shape.clone(), bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
  }

  /** A copy of floats. */
  public static Tensor ofFloats(float[] values, long... shape) {
    ByteBuffer bytes = allocate(DType.F32, values.length);
    bytes.asFloatBuffer().put(values);
    return of(DType.F32, bytes, shape);
  }

  /** A copy of longs. */
  public static Tensor ofLongs(long[] values, long... shape) {
    ByteBuffer bytes = allocate(DType.I64, values.length);
    bytes.asLongBuffer().put(values);
    return of(DType.I64, bytes, shape);
  }

  /** One number of shape {@code []}. */
  public static Tensor scalar(float value) {
    return ofFloats(new float[] {value});
  }

  /** A direct little-endian buffer for this many elements. */
  public static ByteBuffer allocate(DType dtype, long elements) {
    if (elements < 0 || elements > Integer.MAX_VALUE / dtype.bytes()) {
      throw new IllegalArgumentException(
          "elements must be at least 0 and below 2 GiB in one tensor, got "
              + elements
              + " of "
              + dtype);
    }
    return ByteBuffer.allocateDirect((int) elements * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The number of elements of a shape. */
  public static long elements(long... shape) {
    long n = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException("shape must not be negative: " + Arrays.toString(shape));
      }
      if (size > 0 && n > Long.MAX_VALUE / Long.BYTES / size) {
        throw new IllegalArgumentException("shape is too large: " + Arrays.toString(shape));
      }
      n *= size;
    }
    return n;
  }

  public DType dtype() {
    return dtype;
  }

  public long[] shape() {
    return shape.clone();
  }

  /** Size along one axis; negative axes count from the end. */
  public long size(int axis) {
    return shape[axis < 0 ? shape.length + axis : axis];
  }

  public int rank() {
    return shape.length;
  }

  public long elements() {
    return elements(shape);
  }

  /** A read-only view of the little-endian bytes. */
  public ByteBuffer bytes() {
    return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A read-only view of the elements of an {@link DType#F32} tensor. */
  public FloatBuffer floatBuffer() {
    require(DType.F32);
    return bytes().asFloatBuffer();
  }

  /** A read-only view of the elements of an {@link DType#I64} tensor. */
  public LongBuffer longBuffer() {
    require(DType.I64);
    return bytes().asLongBuffer();
  }

  /** A copy of the elements of an {@link DType#F32} tensor. */
  public float[] floats() {
    float[] values = new float[Math.toIntExact(elements())];
    floatBuffer().get(values);
    return values;
  }

  /** A copy of the elements of an {@link DType#I64} tensor. */
  public long[] longs() {
    long[] values = new long[Math.toIntExact(elements())];
    longBuffer().get(values);
    return values;
  }

  private void require(DType wanted) {
    if (dtype != wanted) {
      throw new IllegalStateException("tensor must be " + wanted + ", is " + dtype);
    }
  }

  /** Same type, shape and bits. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor that
        && dtype == that.dtype
        && Arrays.equals(shape, that.shape)
        && bytes.equals(that.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + bytes.hashCode();
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(shape);
  }
}
