package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ValidationException;
import io.athanor.model.format.FloatConversion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;

/** Stores a tensor's numbers in the three types that are written. */
final class TensorEncoder {
  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;
  private static final float LEVELS = 127;
  private static final float LARGEST_HALF = 65504;

  /** The least number that is rounded to infinity in half precision. */
  private static final float BEYOND_HALF = 65520;

  private TensorEncoder() {}

  /**
   * Checks that a type can hold a tensor's numbers.
   *
   * @throws ValidationException if one is beyond it
   */
  static void check(String name, TensorType type, Tensor tensor) {
    FloatBuffer numbers = FloatConversion.convert(tensor, DType.F32).floatBuffer();
    while (numbers.hasRemaining()) {
      float magnitude = Math.abs(numbers.get());
      if (type == TensorType.F16 && !(magnitude < BEYOND_HALF)) {
        throw beyond(name, "half precision (more than 65504, or not finite)");
      }
      if (type == TensorType.Q8_0 && !(magnitude / LEVELS <= LARGEST_HALF)) {
        throw beyond(name, "eight bits with a scale (more than 8 million, or not finite)");
      }
    }
  }

  /** The bytes of a tensor whose numbers were checked. */
  static ByteBuffer encode(TensorType type, Tensor tensor) {
    return switch (type) {
      case F32 -> FloatConversion.convert(tensor, DType.F32).bytes();
      case F16 -> FloatConversion.convert(tensor, DType.F16).bytes();
      case Q8_0 -> eightBits(tensor);
      default -> throw new IllegalArgumentException("type must be F32, F16 or Q8_0, got " + type);
    };
  }

  /** Scale is the largest magnitude over 127; halves round away from zero, as in ggml. */
  private static ByteBuffer eightBits(Tensor tensor) {
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
      float scale = largest / LEVELS;
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
