package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import io.athanor.data.TextDataset;
import io.athanor.data.TextSplit;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufAdaptersTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private TextSplit texts;
  private ModelArtifact base;
  private Path file;

  @BeforeEach
  void train() throws IOException {
    file = home.resolve("adapter.gguf");
    Path csv = Files.writeString(home.resolve("t.csv"), "text\n" + "a b c d\nb c d e\n".repeat(8));
    texts =
        TextDataset.documents(Csv.of(csv), "text")
            .tokenizer(WordTokenizer.fit(List.of("a b c d e"), 20, 1))
            .contextLength(8)
            .withoutEndToken()
            .split(1, 0);
    base = training(Training.of(Models.llama(1, 8, 2, 1, 16), texts)).run().model();
  }

  private Training training(Training of) {
    return of.backend(backend).batchSize(4).epochs(1).learningRate(0.05).seed(5);
  }

  private ModelArtifact tuned(Tuning tuning) {
    return training(Training.of(base, texts)).tuning(tuning).run().model();
  }

  @Test
  void anAdapterGoesThroughAFileOfLlamaCpp() {
    ModelArtifact tuned =
        tuned(Lora.rank(2).alpha(3).targets("q_proj", "k_proj", "up_proj").rankStabilized());

    GgufAdapters.save(tuned, file, GgufPrecision.F32);
    ModelArtifact loaded = GgufAdapters.load(base, file);

    float[] expected = merged(tuned);
    assertThat(merged(loaded)).containsExactly(expected, within(1e-6f));
    assertThat(expected).isNotEqualTo(merged(base));
  }

  private static float[] merged(ModelArtifact model) {
    ModelArtifact plain =
        model.config().containsKey(Adapters.TUNING) ? Adapters.merge(model) : model;
    return plain.weights().tensor("model.layers.0.self_attn.q_proj.weight").floats();
  }

  @Test
  void whatLlamaCppCannotTakeIsRefusedBeforeAnythingIsWritten() {
    ModelArtifact prompt = tuned(PromptTuning.tokens(2));
    assertThatThrownBy(() -> GgufAdapters.save(prompt, file, GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("virtual tokens, which GGUF cannot hold");
    ModelArtifact withNorm = tuned(Lora.rank(2).alsoTrain("norm"));
    assertThatThrownBy(() -> GgufAdapters.save(withNorm, file, GgufPrecision.F32))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("modules trained as a whole [model.norm.weight]");
    assertThatThrownBy(() -> GgufAdapters.save(base, file, GgufPrecision.F32))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it has no adapter");
    assertThat(file).doesNotExist();
  }

  @Test
  void anAdapterOfAnotherShapeIsRefused() {
    GgufAdapters.save(tuned(Lora.rank(2)), file, GgufPrecision.F16);
    ModelArtifact wider = training(Training.of(Models.llama(1, 16, 2, 1, 16), texts)).run().model();
    assertThatThrownBy(() -> GgufAdapters.load(wider, file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("fits no linear tensor of the model");
  }
}
