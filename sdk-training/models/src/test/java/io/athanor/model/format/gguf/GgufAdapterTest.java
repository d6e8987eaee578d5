package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftMethod;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufAdapterTest {
  private static final String LAYER = "model.layers.1.";
  private static final Map<String, long[]> LLAMA =
      Map.of(
          LAYER + "self_attn.q_proj",
          new long[] {8, 16},
          LAYER + "self_attn.k_proj",
          new long[] {8, 8},
          LAYER + "mlp.down_proj",
          new long[] {12, 8},
          "lm_head",
          new long[] {8, 360});
  private static final Map<String, long[]> GPT2 =
      Map.of(
          "transformer.h.0.attn.c_attn",
          new long[] {8, 24},
          "transformer.h.1.mlp.c_proj",
          new long[] {12, 8});

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("adapter.gguf");
  }

  /** What llama.cpp adds to a weight: alpha over the rank, times B A. */
  private static double[] added(GgufFile adapter, String name) {
    Tensor a = adapter.tensor(adapter.tensors().get(name + ".lora_a"));
    Tensor b = adapter.tensor(adapter.tensors().get(name + ".lora_b"));
    int rank = (int) a.size(0);
    int in = (int) a.size(1);
    double scale = adapter.metadata().number("adapter.lora.alpha") / rank;
    double[] product = new double[(int) b.size(0) * in];
    for (int i = 0; i < product.length; i++) {
      for (int r = 0; r < rank; r++) {
        product[i] +=
            scale * b.floatBuffer().get(i / in * rank + r) * a.floatBuffer().get(r * in + i % in);
      }
    }
    return product;
  }

  private void assertAddsWhatMergingAdds(
      String fixture, Map<String, long[]> modules, boolean rsLora, boolean transposed) {
    PretrainedModel model = TinyModels.lively(fixture);
    PeftAdapter adapter = TinyModels.adapter(modules, rsLora);
    Path plain = folder.resolve("plain.gguf");
    Path merged = folder.resolve("merged.gguf");
    Gguf.write(plain, model, GgufPrecision.F32);
    Gguf.write(merged, TinyModels.merged(model, adapter, transposed), GgufPrecision.F32);

    GgufAdapter.write(file(), adapter, model, GgufPrecision.F32);

    GgufFile before = GgufFile.read(plain);
    GgufFile after = GgufFile.read(merged);
    GgufFile written = GgufFile.read(file());
    assertThat(written.tensors()).hasSize(2 * modules.size());
    int compared = 0;
    for (String name : before.tensors().keySet()) {
      float[] one = numbers(before.tensor(before.tensors().get(name)));
      float[] other = numbers(after.tensor(after.tensors().get(name)));
      double[] change = new double[one.length];
      Arrays.setAll(change, i -> (double) other[i] - one[i]);
      if (written.tensors().containsKey(name + ".lora_a")) {
        assertThat(added(written, name)).as(name).containsExactly(change, within(1e-5));
        compared++;
      } else {
        assertThat(change).as(name).containsOnly(0);
      }
    }
    assertThat(compared).isEqualTo(modules.size());
  }

  private static float[] numbers(Tensor tensor) {
    float[] numbers = new float[(int) tensor.elements()];
    tensor.floatBuffer().get(numbers);
    return numbers;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWrittenAdapterAddsToTheBaseWhatMergingAdds(boolean rsLora) {
    assertAddsWhatMergingAdds("llama.gguf", LLAMA, rsLora, false);
    assertAddsWhatMergingAdds("gpt2.gguf", GPT2, rsLora, true);
  }

  @Test
  void theMetadataIsWhatLlamaCppAsksFor() {
    GgufAdapter.write(
        file(),
        TinyModels.adapter(LLAMA, false),
        TinyModels.lively("llama.gguf"),
        GgufPrecision.F16);

    GgufFile written = GgufFile.read(file());
    assertThat(written.metadata().text("general.type")).isEqualTo("adapter");
    assertThat(written.metadata().text("general.architecture")).isEqualTo("llama");
    assertThat(written.metadata().text("adapter.type")).isEqualTo("lora");
    assertThat(written.metadata().number("adapter.lora.alpha")).isEqualTo(1.5);
    assertThat(written.tensors())
        .containsKeys("output.weight.lora_a", "blk.1.attn_k.weight.lora_b");
    assertThat(written.tensors().get("blk.1.ffn_down.weight.lora_a").type())
        .isEqualTo(TensorType.F16);
  }

  @Test
  void anAdapterThatIsReadIsTheOneThatWasWritten() {
    PretrainedModel base = TinyModels.lively("llama.gguf");
    PeftAdapter adapter = TinyModels.adapter(LLAMA, false);
    GgufAdapter.write(file(), adapter, base, GgufPrecision.F32);

    PeftAdapter read = GgufAdapter.read(file(), base);

    assertThat(new TreeMap<>(read.tensors())).isEqualTo(new TreeMap<>(adapter.tensors()));
    PeftMethod.LoraSettings lora = (PeftMethod.LoraSettings) read.method();
    for (String module : adapter.modules()) {
      assertThat(lora.rank(module))
          .isEqualTo((int) read.tensors().get(module + ".lora_A.weight").size(0));
      assertThat(lora.scale(module)).isEqualTo(1.5 / lora.rank(module));
    }
  }

  @Test
  void anAdapterForAnotherModelIsRefused() {
    PretrainedModel llama = TinyModels.lively("llama.gguf");
    PeftAdapter ofGpt2 = TinyModels.adapter(GPT2, false);
    assertThatThrownBy(() -> GgufAdapter.write(file(), ofGpt2, llama, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("no linear tensor 'transformer.h.0.attn.c_attn.weight'");
    PeftAdapter wide = TinyModels.adapter(Map.of(LAYER + "mlp.up_proj", new long[] {9, 12}), false);
    assertThatThrownBy(() -> GgufAdapter.write(file(), wide, llama, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "it is for 'model.layers.1.mlp.up_proj' [12, 9], the model has [12, 8]");
    assertThat(file()).doesNotExist();

    GgufAdapter.write(file(), ofGpt2, TinyModels.lively("gpt2.gguf"), GgufPrecision.F32);
    assertThatThrownBy(() -> GgufAdapter.read(file(), llama))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'general.architecture' must be 'llama', got gpt2");
  }

  @Test
  void whatGgufCannotHoldIsRefusedBeforeAnythingIsWritten() {
    PretrainedModel base = TinyModels.lively("llama.gguf");
    Map<String, Tensor> tensors = new LinkedHashMap<>(TinyModels.adapter(LLAMA, false).tensors());
    tensors.put("score.weight", Tensor.ofFloats(new float[16], 2, 8));
    PeftAdapter withHead =
        new PeftAdapter(
            "tiny",
            TinyModels.adapter(LLAMA, false).method(),
            Optional.empty(),
            "",
            Optional.empty(),
            List.of("score"),
            tensors);
    assertUnsupported(withHead, base, "modules trained as a whole [score.weight]");
    PeftAdapter prompt =
        TinyModels.adapter(
            new PeftMethod.PromptSettings(2, 8),
            Map.of("prompt_embeddings", TinyModels.drawn(new Random(1), 2, 8)));
    assertUnsupported(prompt, base, "virtual tokens, which GGUF cannot hold");
    PeftAdapter tied = TinyModels.adapter(Map.of("lm_head", new long[] {8, 330}), false);
    assertThatThrownBy(
            () ->
                GgufAdapter.write(file(), tied, TinyModels.lively("gpt2.gguf"), GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("keeps no linear tensor 'lm_head.weight'");
    assertThat(folder).isEmptyDirectory();
  }

  private void assertUnsupported(PeftAdapter adapter, PretrainedModel base, String message) {
    assertThatThrownBy(() -> GgufAdapter.write(file(), adapter, base, GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(message);
  }

  @Test
  void filesThatAreNoAdapterAreRefused() throws IOException {
    PretrainedModel base = TinyModels.lively("llama.gguf");
    assertThatThrownBy(() -> GgufAdapter.read(file(), base)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> GgufAdapter.read(Fixtures.path("llama.gguf"), base))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("general.type");
    GgufAdapter.write(file(), TinyModels.adapter(LLAMA, false), base, GgufPrecision.F32);
    byte[] whole = Files.readAllBytes(file());
    int refused = 0;
    Random random = new Random(3);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = whole.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        damaged[random.nextInt(900)] = (byte) random.nextInt();
      }
      Files.write(file(), damaged);
      try {
        GgufAdapter.read(file(), base);
      } catch (AthanorException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(500);
  }
}
