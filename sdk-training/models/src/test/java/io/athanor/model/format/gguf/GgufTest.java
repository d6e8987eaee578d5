package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.SafeTensors;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static PretrainedModel fixture(String family) {
    return Gguf.read(Fixtures.path(family + ".gguf"));
  }

  /** The model as transformers has it. */
  private static PretrainedModel original(String family) throws IOException {
    Map<String, Object> config =
        JSON.convertValue(Fixtures.json(family + ".json"), new StringMap());
    return new PretrainedModel(
        family,
        config,
        SafeTensors.read(Fixtures.path(family + ".safetensors")).tensors(),
        Optional.empty(),
        Optional.empty(),
        Map.of());
  }

  private static final class StringMap extends TypeReference<Map<String, Object>> {}

  /** Without the biases that llama.cpp takes only where heads fill the hidden size. */
  private static PretrainedModel loadable(PretrainedModel model) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    if (model.config().containsKey("attention_bias")) {
      tensors.keySet().removeIf(GgufTest::attentionBias);
    }
    PretrainedModel without = with(model, Map.of("attention_bias", false));
    return new PretrainedModel(
        model.source(),
        model.config().containsKey("attention_bias") ? without.config() : model.config(),
        tensors,
        model.tokenizer(),
        model.chatTemplate(),
        model.specialTokens());
  }

  private static boolean attentionBias(String name) {
    return name.endsWith(".bias") && (name.contains("self_attn") || name.contains(".attn_"));
  }

  private static PretrainedModel with(PretrainedModel model, Map<String, Object> entries) {
    Map<String, Object> config = new LinkedHashMap<>(model.config());
    config.putAll(entries);
    return new PretrainedModel(
        model.source(),
        config,
        model.tensors(),
        model.tokenizer(),
        model.chatTemplate(),
        model.specialTokens());
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gpt2"})
  void tensorsAreThoseOfTransformers(String family) {
    Map<String, Tensor> expected =
        SafeTensors.read(Fixtures.path(family + ".safetensors")).tensors();

    Map<String, Tensor> read = fixture(family).tensors();

    assertThat(read.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    assertThat(expected).hasSizeGreaterThanOrEqualTo(20);
    expected.forEach(
        (name, tensor) -> {
          assertThat(read.get(name).shape()).as(name).isEqualTo(tensor.shape());
          float[] numbers = read.get(name).floats();
          // w + 1 - 1 loses a bit.
          float tolerance = family.startsWith("gemma") ? 3e-7f : 0;
          for (int i = 0; i < numbers.length; i++) {
            assertThat(Math.abs(numbers[i] - tensor.floats()[i]))
                .as(name)
                .isLessThanOrEqualTo(tolerance);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gpt2"})
  void theConfigurationIsThatOfTransformers(String family) throws IOException {
    JsonNode expected = Fixtures.json(family + ".json");

    JsonNode read = JSON.valueToTree(fixture(family).config());

    Set<String> different =
        Set.of(
            "architectures", "bos_token_id", "eos_token_id", "unk_token_id", "hidden_activation");
    int compared = 0;
    for (var entry : read.properties()) {
      if (different.contains(entry.getKey()) || !expected.has(entry.getKey())) {
        continue;
      }
      JsonNode other = expected.get(entry.getKey());
      boolean numbers = other.isNumber() && entry.getValue().isNumber();
      assertThat(numbers ? (Object) entry.getValue().asDouble() : entry.getValue())
          .as(entry.getKey())
          .isEqualTo(numbers ? other.asDouble() : other);
      compared++;
    }
    assertThat(compared).isGreaterThan(8);
  }

  @Test
  void llama3ScalingIsWorkedOutFromItsFactors() {
    assertThat(fixture("llama").config().get("rope_scaling"))
        .isEqualTo(
            Map.of(
                "rope_type", "llama3",
                "factor", 8.0,
                "low_freq_factor", 1.0,
                "high_freq_factor", 4.0,
                "original_max_position_embeddings", 32));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gpt2"})
  void aModelOfTransformersIsWrittenAsLlamaCppsConverterWould(String family) throws IOException {
    Path file = folder.resolve("model.gguf");
    Gguf.write(file, loadable(original(family)), GgufPrecision.F32);

    GgufFile written = GgufFile.read(file);
    GgufFile expected = GgufFile.read(Fixtures.path(family + ".gguf"));
    Set<String> names = new HashSet<>(expected.tensors().keySet());
    if (family.equals("gpt2")) {
      names.add("output.weight");
    } else if (family.equals("llama")) {
      names.removeIf(GgufTest::attentionBias);
    }
    assertThat(written.tensors().keySet()).containsExactlyInAnyOrderElementsOf(names);
    written
        .tensors()
        .forEach(
            (name, entry) -> {
              Tensor tensor = written.tensor(entry);
              boolean copy = family.equals("gpt2") && name.equals("output.weight");
              String twin = copy ? "token_embd.weight" : name;
              Tensor other = expected.tensor(expected.tensors().get(twin));
              assertThat(tensor.shape()).as(name).isEqualTo(other.shape());
              if (name.equals("rope_freqs.weight")) {
                assertThat(tensor.floats()[1]).isCloseTo(other.floats()[1], within(1e-5f));
              } else {
                assertThat(tensor).as(name).isEqualTo(other);
              }
            });
    String prefix = family + ".";
    for (String key : List.of("context_length", "block_count", "attention.head_count")) {
      assertThat(written.metadata().optional(prefix + key))
          .isEqualTo(expected.metadata().optional(prefix + key));
    }
  }

  private static Offset<Float> within(float tolerance) {
    return Offset.offset(tolerance);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2"})
  void whatIsWrittenIsReadAgain(String family) {
    PretrainedModel model = loadable(fixture(family));
    Path file = folder.resolve("model.gguf");
    Gguf.write(file, model, GgufPrecision.F32);

    PretrainedModel again = Gguf.read(file);

    assertThat(again.config()).isEqualTo(model.config());
    assertThat(again.tensors()).isEqualTo(model.tensors());
    assertThat(again.tokenizer()).isEqualTo(model.tokenizer()).isPresent();
    assertThat(again.chatTemplate()).isEqualTo(model.chatTemplate());
    assertThat(again.specialTokens()).isEqualTo(model.specialTokens()).isNotEmpty();
  }

  @Test
  void matricesGetTheWantedPrecisionAndVectorsKeepTheirs() {
    float[] numbers = new float[64 * 32];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) Math.sin(i) * (1 + i / 32);
    }
    Map<String, Tensor> tensors = new HashMap<>(fixture("gpt2").tensors());
    tensors.put("transformer.wte.weight", Tensor.ofFloats(numbers, 64, 32));
    PretrainedModel wide =
        new PretrainedModel(
            "wide",
            fixture("gpt2").config(),
            tensors,
            Optional.empty(),
            Optional.empty(),
            Map.of());
    Path file = folder.resolve("model.gguf");
    Gguf.write(file, wide, GgufPrecision.Q8_0);

    GgufFile written = GgufFile.read(file);

    assertThat(written.tensors().get("token_embd.weight").type()).isEqualTo(TensorType.Q8_0);
    assertThat(written.tensors().get("blk.0.ffn_up.weight").type()).isEqualTo(TensorType.F16);
    assertThat(written.tensors().get("blk.0.ffn_up.bias").type()).isEqualTo(TensorType.F32);
    assertThat(written.tensors().get("position_embd.weight").type()).isEqualTo(TensorType.F32);
    float[] back = written.tensor(written.tensors().get("token_embd.weight")).floats();
    for (int i = 0; i < numbers.length; i++) {
      assertThat(back[i]).isCloseTo(numbers[i], within((1 + i / 32) / 127f * 0.57f));
    }
    assertThat(written.tensors().values()).allMatch(entry -> entry.offset() % 32 == 0);
  }

  @Test
  void numbersBeyondThePrecisionAreRefusedAndNothingIsWritten() throws IOException {
    Map<String, Tensor> tensors = new HashMap<>(fixture("gpt2").tensors());
    float[] large = new float[330 * 8];
    large[3] = 70_000;
    tensors.put("transformer.wte.weight", Tensor.ofFloats(large, 330, 8));
    PretrainedModel model =
        new PretrainedModel(
            "m", fixture("gpt2").config(), tensors, Optional.empty(), Optional.empty(), Map.of());
    Path file = folder.resolve("model.gguf");

    assertThatThrownBy(() -> Gguf.write(file, model, GgufPrecision.F16))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("token_embd.weight")
        .hasMessageContaining("write it as F32");
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void settingsThatGgufCannotHoldAreRefused() throws IOException {
    Path file = folder.resolve("model.gguf");
    PretrainedModel llama = loadable(original("llama"));
    PretrainedModel gemma2 = original("gemma2");

    assertThatThrownBy(
            () -> Gguf.write(file, with(llama, Map.of("hidden_act", "gelu")), GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("activation 'gelu'");
    assertThatThrownBy(
            () ->
                Gguf.write(
                    file,
                    with(llama, Map.of("rope_scaling", Map.of("rope_type", "longrope"))),
                    GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("rope scaling 'longrope'");
    assertThatThrownBy(
            () ->
                Gguf.write(
                    file, with(gemma2, Map.of("query_pre_attn_scalar", 224)), GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("query_pre_attn_scalar");
    assertThatThrownBy(
            () -> Gguf.write(file, with(llama, Map.of("model_type", "t5")), GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("model type 't5'");
    assertThatThrownBy(
            () -> Gguf.write(file, with(llama, Map.of("num_hidden_layers", 3)), GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("promises 3 layers, but there are tensors for 2");
    assertThat(file).doesNotExist();
  }

  @Test
  void biasesThatLlamaCppDoesNotLoadAreRefused() throws IOException {
    PretrainedModel llama = original("llama");
    PretrainedModel gemma = original("gemma");
    Map<String, Tensor> biased = new HashMap<>(gemma.tensors());
    biased.put("model.layers.0.self_attn.q_proj.bias", Tensor.ofFloats(new float[16], 16));
    PretrainedModel biasedGemma =
        new PretrainedModel(
            "g", gemma.config(), biased, Optional.empty(), Optional.empty(), Map.of());
    Path file = folder.resolve("m.gguf");

    assertThatThrownBy(() -> Gguf.write(file, llama, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "tensor 'model.layers.0.self_attn.q_proj.bias': llama.cpp's llama takes it only where"
                + " heads (2) x head size (8) are the hidden size (8)");
    assertThatThrownBy(() -> Gguf.write(file, biasedGemma, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("q_proj.bias': llama.cpp's gemma has no place for it");
    assertThat(file).doesNotExist();
  }

  @Test
  void biasesOfHeadsThatFillTheHiddenSizeAreWrittenAndReadAgain() {
    PretrainedModel llama = TinyModels.oneBiasedHead();
    Path file = folder.resolve("m.gguf");

    Gguf.write(file, llama, GgufPrecision.F32);

    assertThat(Gguf.read(file).tensors()).isEqualTo(llama.tensors());
  }

  @Test
  void missingAndForeignTensorsAreListedTogether() throws IOException {
    PretrainedModel model = original("qwen2");
    Map<String, Tensor> tensors = new HashMap<>(model.tensors());
    tensors.remove("model.norm.weight");
    tensors.put("vision.weight", Tensor.scalar(1));
    PretrainedModel broken =
        new PretrainedModel(
            "m", model.config(), tensors, Optional.empty(), Optional.empty(), Map.of());

    assertThatThrownBy(() -> Gguf.write(folder.resolve("m.gguf"), broken, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no tensor 'vision.weight'")
        .hasMessageContaining("'model.norm.weight' is missing");
  }

  @Test
  void halfPrecisionModelsAreWrittenAndReadAsTheyAre() throws IOException {
    Path file = folder.resolve("half.gguf");
    Gguf.write(file, loadable(original("llama")), GgufPrecision.F16);

    Map<String, Tensor> half = Gguf.read(file).tensors();
    assertThat(half.get("model.layers.1.self_attn.q_proj.weight").dtype()).isEqualTo(DType.F16);
    Gguf.write(folder.resolve("again.gguf"), Gguf.read(file), GgufPrecision.F16);
    assertThat(Gguf.read(folder.resolve("again.gguf")).tensors()).isEqualTo(half);
  }

  @Test
  void aMissingFileAndAnUnwritableFolderAreNamed() throws IOException {
    Path missing = folder.resolve("none.gguf");
    assertThatThrownBy(() -> Gguf.read(missing))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("none.gguf");
    Path blocked = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(
            () -> Gguf.write(blocked.resolve("m.gguf"), fixture("gpt2"), GgufPrecision.F32))
        .isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> Gguf.read(blocked))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("cut off");
  }

  @Test
  void aFileThatIsCutShortAfterItWasOpenedIsNoticed() throws IOException {
    Path file = Files.copy(Fixtures.path("gpt2.gguf"), folder.resolve("m.gguf"));
    PretrainedModel model = Gguf.read(file);
    Files.write(file, new byte[100]);

    assertThatThrownBy(() -> model.tensors().get("transformer.wte.weight"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("became shorter");
  }
}
