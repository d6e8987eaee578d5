package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import io.athanor.api.common.Tensor;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files that we write, read by llama.cpp itself. */
@Tag("heavy")
class LlamaCppTest {
  private static final int ROWS = 330;

  @TempDir Path folder;

  /** A tiny Qwen 2 with the byte-level tokenizer. */
  private static PretrainedModel model() {
    PretrainedModel qwen = Gguf.read(Fixtures.path("qwen2.gguf"));
    PretrainedModel words = Gguf.read(Fixtures.path("gpt2.gguf"));
    float[] numbers = new float[ROWS * 8];
    Random random = new Random(1);
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(qwen.tensors());
    tensors.put("model.embed_tokens.weight", Tensor.ofFloats(numbers, ROWS, 8));
    return new PretrainedModel(
        "tiny", qwen.config(), tensors, words.tokenizer(), Optional.empty(), words.specialTokens());
  }

  private static ModelParameters parameters(Path file) {
    return new ModelParameters()
        .setModel(file.toString())
        .setCtxSize(64)
        .setThreads(1)
        .disableLog();
  }

  @ParameterizedTest
  @EnumSource(GgufPrecision.class)
  void llamaCppLoadsTokenisesAndGenerates(GgufPrecision precision) {
    Path file = folder.resolve("tiny.gguf");
    Gguf.write(file, model(), precision);

    try (LlamaModel loaded = new LlamaModel(parameters(file))) {
      // The ids are those of the Python package tokenizers with bpe.json.
      assertThat(loaded.encode("The lazy fox reads 1234 façades."))
          .containsExactly(272, 319, 89, 265, 295, 323, 83, 312, 269, 265, 262, 306, 69, 83, 14);
      InferenceParameters greedy =
          new InferenceParameters("The fox").setTemperature(0).setNPredict(8);
      assertThat(loaded.complete(greedy)).isNotEmpty();
    }
  }

  @Test
  void llamaCppLoadsAttentionBiasesOfHeadsThatFillTheHiddenSize() {
    Path file = folder.resolve("biased.gguf");
    Gguf.write(file, TinyModels.oneBiasedHead(), GgufPrecision.F32);

    try (LlamaModel loaded = new LlamaModel(parameters(file))) {
      assertThat(loaded.encode("text")).isNotEmpty();
    }
  }

  @Test
  void llamaCppRefusesATruncatedCopy() throws IOException {
    Path file = folder.resolve("tiny.gguf");
    Gguf.write(file, model(), GgufPrecision.F32);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 4096));

    assertThatThrownBy(() -> new LlamaModel(parameters(file)).close())
        .hasMessageContaining("could not load model");
  }
}
