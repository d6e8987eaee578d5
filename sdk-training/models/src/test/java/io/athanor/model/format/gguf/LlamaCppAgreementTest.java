package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Task;
import io.athanor.api.model.ModelArtifact;
import io.athanor.backend.djl.DjlBackendProvider;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that we write say the same in llama.cpp as the model does here, word by word. */
@Tag("heavy")
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class LlamaCppAgreementTest {
  private static final int TOKENS = 8;
  private static final List<String> PROMPTS =
      List.of("The quick brown", "A model reads", "Das Wetter", "text");

  @TempDir Path folder;

  private static List<String> here(PretrainedModel model) {
    Pretrained pretrained = Pretrained.of(model);
    ModelArtifact artifact =
        pretrained.artifact(
            pretrained.encoding(new Task.Generation("text"), pretrained.contextLength()),
            Clock.systemUTC());
    GenerationSettings greedy =
        GenerationSettings.greedy().toBuilder().maxNewTokens(TOKENS).build();
    try (Backend backend = new DjlBackendProvider().open(BackendOptions.defaults());
        TextGenerator generator = TextGenerator.of(artifact, backend)) {
      return PROMPTS.stream().map(prompt -> generator.generate(prompt, greedy).text()).toList();
    }
  }

  private static List<String> there(ModelParameters parameters) {
    try (LlamaModel model = new LlamaModel(parameters.setCtxSize(64).setThreads(1).disableLog())) {
      return PROMPTS.stream().map(prompt -> model.complete(greedy(prompt))).toList();
    }
  }

  /** Without the cache, in which llama.cpp's server mixes up what it read with an adapter. */
  private static InferenceParameters greedy(String prompt) {
    return new InferenceParameters(prompt)
        .setTemperature(0)
        .setNPredict(TOKENS)
        .setCachePrompt(false);
  }

  private ModelParameters base(PretrainedModel model) {
    Path file = folder.resolve("base.gguf");
    Gguf.write(file, model, GgufPrecision.F32);
    return new ModelParameters().setModel(file.toString());
  }

  private void assertAgreement(PretrainedModel model, PeftAdapter adapter, boolean transposed) {
    Path file = folder.resolve("adapter.gguf");
    GgufAdapter.write(file, adapter, model, GgufPrecision.F32);

    List<String> plain = there(base(model));
    List<String> adapted = there(base(model).addLoraAdapter(file.toString()));

    assertThat(plain).isEqualTo(here(model)).doesNotHaveDuplicates();
    assertThat(adapted)
        .isEqualTo(here(TinyModels.merged(model, adapter, transposed)))
        .doesNotHaveDuplicates()
        .doesNotContainAnyElementsOf(plain);
  }

  @Test
  void anAdapterOfLlamaSaysWhatTheMergedModelSaysHere() {
    String layer = "model.layers.1.";
    Map<String, long[]> modules =
        Map.of(
            layer + "self_attn.q_proj",
            new long[] {8, 16},
            layer + "self_attn.k_proj",
            new long[] {8, 8},
            layer + "self_attn.v_proj",
            new long[] {8, 8},
            layer + "mlp.down_proj",
            new long[] {12, 8});

    assertAgreement(TinyModels.lively("llama.gguf"), TinyModels.adapter(modules, true), false);
  }

  @Test
  void gpt2AndItsAdapterSayWhatTheySayHere() {
    String layer = "transformer.h.0.";
    Map<String, long[]> modules =
        Map.of(
            layer + "attn.c_attn",
            new long[] {8, 24},
            layer + "attn.c_proj",
            new long[] {8, 8},
            layer + "mlp.c_fc",
            new long[] {8, 12});

    assertAgreement(TinyModels.lively("gpt2.gguf"), TinyModels.adapter(modules, false), true);
  }
}
