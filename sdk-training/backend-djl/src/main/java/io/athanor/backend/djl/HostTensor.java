package io.athanor.backend.djl;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.BackendException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A native tensor whose elements lie in a Java buffer, so that Java reads and writes them without a
 * native call. Aligned as libtorch aligns its own, which keeps the choice of vector kernels, and
 * with it the bits, the same from run to run. Keep this object as long as the native tensor is in
 * use: it holds the memory.
 */
final class HostTensor extends NativeTensor {
  private static final int ALIGNMENT = 64;

  /** Floats from one aligned address to the next. */
  static final int STEP = ALIGNMENT / Float.BYTES;

  private final ByteBuffer bytes;

  private HostTensor(DType dtype, ByteBuffer bytes, PtNDArray array, long... shape) {
    super(dtype, array, shape);
    this.bytes = bytes;
  }

  /** Zeros. */
  static HostTensor zeros(PtNDManager manager, DType dtype, long... shape) {
    return over(manager, dtype, aligned(Tensor.elements(shape) * dtype.bytes()), shape);
  }

  /** A 64-bit float, a type the SDK's tensors do not have. */
  static HostTensor number(PtNDManager manager) {
    ByteBuffer bytes = aligned(8);
    return new HostTensor(DType.I64, bytes, array(manager, bytes, DataType.FLOAT64));
  }

  /**
   * The elements of a tensor: themselves where native code can read them in place, as in a mapped
   * file, else a copy. Elements at addresses that are no multiple of 64 may give results that
   * differ in the last bits from those of a copy, though never from run to run over the same file.
   * Nobody may write to the native tensor.
   */
  static HostTensor of(PtNDManager manager, Tensor tensor) {
    ByteBuffer bytes = tensor.bytes();
    if (bytes.isDirect()
        && bytes.capacity() > 0
        && bytes.alignmentOffset(0, tensor.dtype().bytes()) == 0) {
      return over(manager, tensor.dtype(), bytes, tensor.shape());
    }
    return copyOf(manager, tensor);
  }

  static HostTensor copyOf(PtNDManager manager, Tensor tensor) {
    HostTensor copy = zeros(manager, tensor.dtype(), tensor.shape());
    copy.set(tensor);
    return copy;
  }

  private static HostTensor over(
      PtNDManager manager, DType dtype, ByteBuffer bytes, long... shape) {
    DataType type =
        switch (dtype) {
          case I64 -> DataType.INT64;
          case I8 -> DataType.INT8;
          case F32, F16, BF16 -> DataType.FLOAT32;
        };
    return new HostTensor(dtype, bytes, array(manager, bytes, type, shape), shape);
  }

  private static PtNDArray array(
      PtNDManager manager, ByteBuffer bytes, DataType type, long... shape) {
    return JniUtils.createNdFromByteBuffer(
        manager, bytes, new Shape(shape), type, SparseFormat.DENSE, Device.cpu());
  }

  private static ByteBuffer aligned(long size) {
    if (size > Integer.MAX_VALUE - ALIGNMENT) {
      throw new BackendException(
          DjlBackendProvider.NAME,
          "one tensor takes less than 2 GiB, and this one would take "
              + (size >> 20)
              + " MiB; train fewer parameters, for example with Lora, or smaller batches");
    }
    int length = (int) size;
    ByteBuffer room;
    try {
      room = ByteBuffer.allocateDirect(length + ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new BackendException(
          DjlBackendProvider.NAME,
          "there is no room for "
              + (size >> 20)
              + " MiB outside the Java heap; allow more with -XX:MaxDirectMemorySize, or train"
              + " fewer parameters or smaller batches",
          e);
    }
    int from = (ALIGNMENT - room.alignmentOffset(0, ALIGNMENT)) % ALIGNMENT;
    return room.slice(from, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The elements, for reading and writing by index. */
  ByteBuffer bytes() {
    return bytes;
  }

  @Override
  HostTensor part(PtNDManager manager, long first, long... size) {
    int from = Math.toIntExact(first * dtype().bytes());
    int length = Math.toIntExact(Tensor.elements(size) * dtype().bytes());
    return over(manager, dtype(), bytes.slice(from, length).order(ByteOrder.LITTLE_ENDIAN), size);
  }

  @Override
  void set(Tensor tensor) {
    bytes.duplicate().put(tensor.bytes());
  }

  @Override
  Tensor copy() {
    ByteBuffer copy = aligned(bytes.capacity());
    copy.put(bytes.duplicate()).flip();
    return Tensor.of(dtype(), copy, shape());
  }
}
