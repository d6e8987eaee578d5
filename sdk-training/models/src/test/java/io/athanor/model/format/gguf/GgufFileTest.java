package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.model.format.FloatConversion;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
  private final GgufFile file = GgufFile.read(Fixtures.path("types.gguf"));

  private Tensor tensor(String name) {
    return file.tensor(file.tensors().get(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"})
  void quantisedNumbersAreBitForBitThoseOfThePythonPackage(String type) {
    Tensor numbers = tensor(type);

    assertThat(file.tensors().get(type).type().name()).isEqualTo(type);
    assertThat(numbers.shape()).containsExactly(2, 256);
    assertThat(numbers).isEqualTo(tensor(type + ".expected"));
    assertThat(numbers.floats()).doesNotContain(Float.NaN);
  }

  @Test
  void halfAndBrainFloatsKeepTheirType() {
    assertThat(tensor("F16").dtype()).isEqualTo(DType.F16);
    assertThat(tensor("F16").shape()).containsExactly(2, 8);
    assertThat(tensor("BF16").dtype()).isEqualTo(DType.BF16);
    assertThat(FloatConversion.convert(tensor("BF16"), DType.F32))
        .isEqualTo(tensor("BF16.expected"));
  }

  @Test
  void integersAreRead() {
    assertThat(tensor("I64").longs()).containsExactly(1, -(1L << 60));
    assertThat(tensor("I32").longs()).containsExactly(5, -6, 7);
  }

  @Test
  void everyTypeOfMetadataIsRead() {
    Metadata metadata = file.metadata();

    assertThat(metadata.optional("v.u8")).contains(200L);
    assertThat(metadata.optional("v.i8")).contains(-100L);
    assertThat(metadata.optional("v.u16")).contains(60_000L);
    assertThat(metadata.optional("v.i16")).contains(-30_000L);
    assertThat(metadata.optional("v.u32")).contains(4_000_000_000L);
    assertThat(metadata.optional("v.i32")).contains(-2_000_000_000L);
    assertThat(metadata.optional("v.u64")).contains(1L << 62);
    assertThat(metadata.optional("v.i64")).contains(-(1L << 62));
    assertThat(metadata.optional("v.f32")).contains(1e-5f);
    assertThat(metadata.number("v.f32")).isEqualTo(1e-5);
    assertThat(metadata.optional("v.f64")).contains(1e-300);
    assertThat(metadata.optional("v.bool")).contains(true);
    assertThat(metadata.text("v.text")).isEqualTo("é\n");
    assertThat(metadata.texts("v.texts")).containsExactly("a", "", "ü");
    assertThat(metadata.integers("v.integers")).isEqualTo(List.of(1L, -2L, 3L));
    assertThat(metadata.floats("v.floats")).containsExactly(0.5f, -1.5f);
  }
}
