package io.athanor.model.format;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * Conversions between 32-bit floats and the two 16-bit formats: IEEE 754 binary16 (F16) and
 * bfloat16 (BF16). Widening is exact; narrowing rounds to nearest, ties to even, and keeps
 * infinities and the sign of zero; what is not a number stays not a number.
 */
public final class FloatConversion {
  private static final int CHUNK = 1 << 13;
  private static final float TWO_TO_112 = 0x1p112f;

  private FloatConversion() {}

  /**
   * A tensor in another floating-point type.
   *
   * @return the same tensor if it has the type already or holds integers
   * @throws UnsupportedException if the result would not be below 2 GiB
   * @throws IllegalArgumentException if the wanted type is not a floating-point type
   */
  public static Tensor convert(Tensor tensor, DType wanted) {
    if (!wanted.floating()) {
      throw new IllegalArgumentException("wanted must be a floating-point type, got " + wanted);
    }
    if (tensor.dtype() == wanted || !tensor.dtype().floating()) {
      return tensor;
    }
    if (tensor.elements() > Integer.MAX_VALUE / wanted.bytes()) {
      throw new UnsupportedException(
          "a tensor of shape " + tensor + " as " + wanted + " has 2 GiB or more",
          "Keep the precision of the file, or take a smaller model");
    }
    ByteBuffer result = Tensor.allocate(wanted, tensor.elements());
    float[] floats = new float[CHUNK];
    short[] shorts = new short[CHUNK];
    ByteBuffer bytes = tensor.bytes();
    ByteBuffer out = result.duplicate().order(result.order());
    while (bytes.hasRemaining()) {
      int n = Math.min(CHUNK, bytes.remaining() / tensor.dtype().bytes());
      read(tensor.dtype(), bytes, floats, shorts, n);
      write(wanted, out, floats, shorts, n);
    }
    return Tensor.of(wanted, result, tensor.shape());
  }

  private static void read(DType type, ByteBuffer from, float[] floats, short[] shorts, int n) {
    if (type == DType.F32) {
      from.asFloatBuffer().get(floats, 0, n);
    } else {
      ShortBuffer view = from.asShortBuffer();
      view.get(shorts, 0, n);
      if (type == DType.F16) {
        for (int i = 0; i < n; i++) {
          floats[i] = fromHalf(shorts[i]);
        }
      } else {
        for (int i = 0; i < n; i++) {
          floats[i] = fromBrain(shorts[i]);
        }
      }
    }
    from.position(from.position() + n * type.bytes());
  }

  private static void write(DType type, ByteBuffer to, float[] floats, short[] shorts, int n) {
    if (type == DType.F32) {
      FloatBuffer view = to.asFloatBuffer();
      view.put(floats, 0, n);
    } else {
      if (type == DType.F16) {
        for (int i = 0; i < n; i++) {
          shorts[i] = toHalf(floats[i]);
        }
      } else {
        for (int i = 0; i < n; i++) {
          shorts[i] = toBrain(floats[i]);
        }
      }
      to.asShortBuffer().put(shorts, 0, n);
    }
    to.position(to.position() + n * type.bytes());
  }

  /** Whether a finite element has become infinite on the way. */
  static boolean overflowed(Tensor from, Tensor to) {
    if (from.dtype() == to.dtype() || to.dtype() == DType.F32) {
      return false;
    }
    int infinity = to.dtype() == DType.F16 ? 0x7c00 : 0x7f80;
    ShortBuffer patterns = to.bytes().asShortBuffer();
    for (int i = 0; i < patterns.limit(); i++) {
      if ((patterns.get(i) & 0x7fff) == infinity && Float.isFinite(element(from, i))) {
        return true;
      }
    }
    return false;
  }

  private static float element(Tensor tensor, int index) {
    if (tensor.dtype() == DType.F32) {
      return tensor.floatBuffer().get(index);
    }
    short pattern = tensor.bytes().getShort(index * Short.BYTES);
    return tensor.dtype() == DType.F16 ? fromHalf(pattern) : fromBrain(pattern);
  }

  /** The value of a binary16 pattern. */
  public static float fromHalf(short pattern) {
    int magnitude = (pattern & 0x7fff) << 13;
    // A multiplication by a power of two is exact and gives subnormals their exponent; all ones in
    // the small exponent (infinity, not a number) must become all ones in the large one.
    int special = ((0x0f7fffff - magnitude) >> 31) & 0x7f800000;
    int bits = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) * TWO_TO_112);
    return Float.intBitsToFloat((pattern & 0x8000) << 16 | bits | special);
  }

  /** The value of a bfloat16 pattern. */
  public static float fromBrain(short pattern) {
    return Float.intBitsToFloat(pattern << 16);
  }

  /** The binary16 pattern nearest to a value; from 65,520 on that is infinity. */
  public static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | (magnitude >>> 13 & 0x3ff));
    }
    if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Below 2^-14 the result is subnormal: adding 0.5 lets the processor round at 2^-24.
      float rounded = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(rounded) - 0x3f000000));
    }
    int even = magnitude >>> 13 & 1;
    return (short) (sign | ((magnitude - (112 << 23) + 0xfff + even) >>> 13));
  }

  /** The bfloat16 pattern nearest to a value. */
  public static short toBrain(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }
}
