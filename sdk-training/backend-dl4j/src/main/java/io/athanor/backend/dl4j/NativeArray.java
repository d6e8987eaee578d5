package io.athanor.backend.dl4j;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Floats in native memory, row-major, which Java reads and writes in place. */
final class NativeArray implements AutoCloseable {
  private final INDArray array;
  private final FloatBuffer floats;

  private NativeArray(INDArray array) {
    this.array = array;
    ByteBuffer bytes = array.data().pointer().asByteBuffer();
    this.floats = bytes.order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  static NativeArray zeros(long... shape) {
    return new NativeArray(
        shape.length == 0 ? Nd4j.scalar(0f) : Nd4j.create(DataType.FLOAT, shape, 'c'));
  }

  static NativeArray of(Tensor tensor) {
    NativeArray array = zeros(tensor.shape());
    array.set(tensor);
    return array;
  }

  /** A copy of a result of a program. */
  static Tensor tensor(INDArray result, long... shape) {
    INDArray rows = result.dup('c');
    try (NativeArray copy = new NativeArray(rows)) {
      return copy.copy(shape);
    }
  }

  /** A multiple of a result of a program. */
  static NativeArray scaled(INDArray result, double factor) {
    return new NativeArray(result.mul(factor));
  }

  INDArray array() {
    return array;
  }

  /** All elements to read; what is written there the engine may not see. */
  FloatBuffer reading() {
    Nd4j.getAffinityManager().ensureLocation(array, AffinityManager.Location.HOST);
    return floats.duplicate();
  }

  /** All elements to write. */
  FloatBuffer writing() {
    Nd4j.getAffinityManager().ensureLocation(array, AffinityManager.Location.HOST);
    Nd4j.getAffinityManager().tagLocation(array, AffinityManager.Location.HOST);
    return floats.duplicate();
  }

  void set(Tensor tensor) {
    writing().put(tensor.floatBuffer());
  }

  Tensor copy() {
    return copy(array.shape());
  }

  private Tensor copy(long... shape) {
    ByteBuffer bytes = Tensor.allocate(DType.F32, array.length());
    bytes.asFloatBuffer().put(reading().limit((int) array.length()));
    return Tensor.of(DType.F32, bytes, shape);
  }

  @Override
  public void close() {
    if (array.closeable()) {
      array.close();
    }
  }
}
