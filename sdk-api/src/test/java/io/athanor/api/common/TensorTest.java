package io.athanor.api.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void floatsAreLittleEndianAndRowMajor() {
    Tensor tensor = Tensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);

    assertThat(tensor.shape()).containsExactly(2, 3);
    assertThat(tensor.size(-1)).isEqualTo(3);
    assertThat(tensor.elements()).isEqualTo(6);
    assertThat(tensor.floats()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(tensor.bytes().order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(tensor.bytes().getInt(0)).isEqualTo(0x3f800000);
    assertThat(tensor).hasToString("F32[2, 3]");
  }

  @Test
  void theWrongNumberOfBytesIsRefused() {
    assertThatThrownBy(() -> Tensor.of(DType.F32, ByteBuffer.allocate(20), 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytes must be 24 for F32 [2, 3], got 20");
    assertThatThrownBy(() -> Tensor.ofLongs(new long[3], 2))
        .hasMessage("bytes must be 16 for I64 [2], got 24");
  }

  @Test
  void shapesThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> Tensor.of(DType.F32, ByteBuffer.allocate(0), -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape must not be negative: [-1]");
    assertThatThrownBy(() -> Tensor.of(DType.F32, ByteBuffer.allocate(0), 1L << 40, 1L << 40))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape is too large: [1099511627776, 1099511627776]");
    assertThatThrownBy(() -> Tensor.of(DType.I64, ByteBuffer.allocate(0), 1L << 62))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Tensor.allocate(DType.F32, 1L << 29))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("below 2 GiB");
  }

  @Test
  void onlyTheBytesFromPositionToLimitCount() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putFloat(4, 7).position(4).limit(8);
    Tensor tensor = Tensor.of(DType.F32, bytes, 1);

    assertThat(tensor.floats()).containsExactly(7);
    assertThat(bytes.position()).isEqualTo(4);
  }

  @Test
  void typeShapeAndBitsDecideEquality() {
    Tensor tensor = Tensor.ofFloats(new float[] {1, 2}, 2);

    assertThat(tensor).isEqualTo(Tensor.ofFloats(new float[] {1, 2}, 2));
    assertThat(tensor).hasSameHashCodeAs(Tensor.ofFloats(new float[] {1, 2}, 2));
    assertThat(tensor).isNotEqualTo(Tensor.ofFloats(new float[] {1, 2}, 1, 2));
    assertThat(tensor).isNotEqualTo(Tensor.ofFloats(new float[] {1, 3}, 2));
    assertThat(tensor).isNotEqualTo(Tensor.of(DType.I64, tensor.bytes(), 1));
    assertThat(Tensor.scalar(0)).isNotEqualTo(Tensor.scalar(-0f));
    assertThat(Tensor.scalar(Float.NaN)).isEqualTo(Tensor.scalar(Float.NaN));
  }

  @Test
  void nobodyWritesThroughTheViews() {
    Tensor tensor = Tensor.ofFloats(new float[] {1, 2}, 2);

    assertThatThrownBy(() -> tensor.bytes().put(0, (byte) 1))
        .isInstanceOf(ReadOnlyBufferException.class);
    tensor.shape()[0] = 9;
    assertThat(tensor.size(0)).isEqualTo(2);
  }

  @Test
  void elementsOfAnotherTypeAreRefused() {
    assertThatThrownBy(() -> Tensor.scalar(1).longs())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tensor must be I64, is F32");
  }
}
