package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Turns a quantised tensor into single precision, a few thousand blocks at a time. */
final class Dequantizer {
  private static final int BLOCKS_AT_ONCE = 1024;

  private Dequantizer() {}

  /**
   * @param bytes the tensor's blocks, from position to limit
   * @param shape its last axis is a multiple of the block
   */
  static Tensor dequantize(TensorType type, ByteBuffer bytes, long... shape) {
    BlockDecoder decoder = BlockDecoder.of(type);
    ByteBuffer target = Tensor.allocate(DType.F32, Tensor.elements(shape));
    FloatBuffer numbers = target.asFloatBuffer();
    int most = Math.min(BLOCKS_AT_ONCE, bytes.remaining() / type.blockBytes());
    byte[] in = new byte[most * type.blockBytes()];
    float[] out = new float[most * type.blockElements()];
    while (bytes.hasRemaining()) {
      int blocks = Math.min(most, bytes.remaining() / type.blockBytes());
      bytes.get(in, 0, blocks * type.blockBytes());
      for (int i = 0; i < blocks; i++) {
        decoder.decode(in, i * type.blockBytes(), out, i * type.blockElements());
      }
      numbers.put(out, 0, blocks * type.blockElements());
    }
    return Tensor.of(DType.F32, target, shape);
  }
}
