package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ValidationException;
import io.athanor.model.format.FloatConversion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.List;

/** Stores a tensor's numbers in the three types that are written. */
final class TensorEncoder {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;
  private static final int INFINITE_HALF = 0x7c00;

  private TensorEncoder() {}

  static ByteBuffer encode(String name, TensorType type, Tensor tensor) {
    return switch (type) {
      case F32 -> FloatConversion.convert(tensor, DType.F32).bytes();
      case F16 -> half(name, tensor);
      case Q8_0 -> eightBits(name, tensor);
      default -> throw new IllegalArgumentException("type must be F32, F16 or Q8_0, got " + type);
    };
  }

  private static ByteBuffer half(String name, Tensor tensor) {
    ByteBuffer bytes = FloatConversion.convert(tensor, DType.F16).bytes();
    ShortBuffer numbers = bytes.asShortBuffer();
    while (numbers.hasRemaining()) {
      if ((numbers.get() & INFINITE_HALF) == INFINITE_HALF) {
        throw beyond(name, "half precision (more than 65504, or not finite)");
      }
    }
    return bytes;
  }

  /** Scale is the largest magnitude over 127; halves round away from zero, as in ggml. */
  private static ByteBuffer eightBits(String name, Tensor tensor) {
    FloatBuffer numbers = FloatConversion.convert(tensor, DType.F32).floatBuffer();
    int blocks = numbers.remaining() / BLOCK;
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(blocks, BLOCK_BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    float[] block = new float[BLOCK];
    byte[] quants = new byte[BLOCK];
    while (numbers.hasRemaining()) {
      numbers.get(block);
      float largest = 0;
      for (float number : block) {
        largest = Math.max(largest, Math.abs(number));
      }
      float scale = largest / 127;
      if (!(scale <= 65504)) {
        throw beyond(name, "eight bits with a scale (more than 8 million, or not finite)");
      }
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = 0; i < BLOCK; i++) {
        double quant = block[i] * inverse;
        quants[i] = (byte) (quant + Math.copySign(0.5, quant));
      }
      bytes.putShort(FloatConversion.toHalf(scale)).put(quants);
    }
    return bytes.flip();
  }

  private static ValidationException beyond(String name, String what) {
    return new ValidationException(
        "weights for GGUF",
        List.of(
            "tensor '" + name + "' holds a number beyond " + what + "; write it as F32 instead"));
  }
}
