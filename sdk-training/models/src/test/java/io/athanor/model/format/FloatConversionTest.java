package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FloatConversionTest {
  private static final int PATTERNS = 1 << 16;

  /** The value of a pattern, from the definition of the format, in exact double arithmetic. */
  private static double value(DType type, int pattern) {
    int fraction = type == DType.F16 ? 10 : 7;
    int largest = type == DType.F16 ? 31 : 255;
    int exponent = pattern >> fraction & largest;
    double mantissa = pattern & (1 << fraction) - 1;
    double sign = pattern < 0x8000 ? 1 : -1;
    if (exponent == largest) {
      return mantissa == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    int bias = largest / 2;
    double scaled = exponent == 0 ? mantissa : mantissa + (1 << fraction);
    return sign * scaled * Math.pow(2, Math.max(exponent, 1) - bias - fraction);
  }

  private static Tensor patterns(DType type) {
    ByteBuffer bytes = Tensor.allocate(type, PATTERNS);
    for (int i = 0; i < PATTERNS; i++) {
      bytes.putShort(2 * i, (short) i);
    }
    return Tensor.of(type, bytes, 256, 256);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyPatternHasTheValueOfItsDefinition(DType type) {
    Tensor wide = FloatConversion.convert(patterns(type), DType.F32);

    assertThat(wide.shape()).containsExactly(256, 256);
    float[] values = wide.floats();
    assertThat(values).hasSize(PATTERNS);
    for (int i = 0; i < PATTERNS; i++) {
      double expected = value(type, i);
      if (Double.doubleToLongBits(values[i]) != Double.doubleToLongBits(expected)) {
        assertThat((double) values[i]).as("pattern %x", i).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyPatternComesBackFromItsValue(DType type) {
    Tensor narrow = patterns(type);

    Tensor back = FloatConversion.convert(FloatConversion.convert(narrow, DType.F32), type);

    for (int i = 0; i < PATTERNS; i++) {
      int pattern = back.bytes().getShort(2 * i) & 0xffff;
      if (Double.isNaN(value(type, i))) {
        assertThat(value(type, pattern)).as("pattern %x", i).isNaN();
        assertThat(pattern & 0x8000).isEqualTo(i & 0x8000);
      } else {
        assertThat(pattern).isEqualTo(i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void whatLiesBetweenTwoPatternsGoesToTheNearestAndTiesToTheEvenOne(DType type) {
    int infinity = type == DType.F16 ? 0x7c00 : 0x7f80;
    for (int low = 0; low < infinity; low++) {
      // Between the largest finite value and infinity, the next value that there would be counts.
      double above =
          low + 1 < infinity ? value(type, low + 1) : 2 * value(type, low) - value(type, low - 1);
      float middle = (float) ((value(type, low) + above) / 2);
      int even = (low & 1) == 0 ? low : low + 1;
      assertNarrow(type, middle, even);
      assertNarrow(type, Math.nextDown(middle), low);
      assertNarrow(type, Math.nextUp(middle), low + 1);
    }
  }

  private static void assertNarrow(DType type, float value, int pattern) {
    int positive = narrow(type, value);
    int negative = narrow(type, -value);
    if (positive != pattern || negative != (pattern | 0x8000)) {
      assertThat(Integer.toHexString(positive))
          .as("%s of %s", type, value)
          .isEqualTo(Integer.toHexString(pattern));
      assertThat(negative).isEqualTo(pattern | 0x8000);
    }
  }

  private static int narrow(DType type, float value) {
    return 0xffff
        & (type == DType.F16 ? FloatConversion.toHalf(value) : FloatConversion.toBrain(value));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void valuesFarBeyondTheRangeAndTinyOnesKeepTheirSign(DType type) {
    int infinity = type == DType.F16 ? 0x7c00 : 0x7f80;
    assertNarrow(type, Float.POSITIVE_INFINITY, infinity);
    assertNarrow(type, Float.MAX_VALUE, infinity);
    assertNarrow(type, 0f, 0);
    assertNarrow(type, Float.MIN_VALUE, 0);
    assertThat(value(type, narrow(type, Float.NaN))).isNaN();
    assertThat(value(type, narrow(type, Float.intBitsToFloat(0x7f800001)))).isNaN();
  }

  @Test
  void tensorsLargerThanAChunkAndNotAMultipleOfItAreConvertedWhole() {
    Random random = new Random(4);
    float[] values = new float[3 * 8192 + 17];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor wide = Tensor.ofFloats(values, values.length);

    Tensor half = FloatConversion.convert(wide, DType.F16);
    Tensor brain = FloatConversion.convert(half, DType.BF16);

    assertThat(half.bytes().remaining()).isEqualTo(2 * values.length);
    for (int i = 0; i < values.length; i++) {
      short pattern = FloatConversion.toHalf(values[i]);
      assertThat(half.bytes().getShort(2 * i)).isEqualTo(pattern);
      assertThat(brain.bytes().getShort(2 * i))
          .isEqualTo(FloatConversion.toBrain(FloatConversion.fromHalf(pattern)));
    }
  }

  @Test
  void whatNeedsNoConversionIsNotCopied() {
    Tensor floats = Tensor.ofFloats(new float[] {1, 2}, 2);
    Tensor ids = Tensor.ofLongs(new long[] {1, 2}, 2);

    assertThat(FloatConversion.convert(floats, DType.F32)).isSameAs(floats);
    assertThat(FloatConversion.convert(ids, DType.F16)).isSameAs(ids);
    assertThatThrownBy(() -> FloatConversion.convert(floats, DType.I64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("wanted must be a floating-point type, got I64");
  }
}
