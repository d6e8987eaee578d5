package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.model.arch.TextEncoder;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeftAdaptersTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private Split mail;
  private ModelArtifact base;

  @BeforeEach
  void train() throws IOException {
    StringBuilder csv = new StringBuilder("body,spam\n");
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 40; i++) {
      boolean spam = random.nextBoolean();
      csv.append(spam ? "you won a prize " : "see you at ").append(i).append(",");
      csv.append(spam ? "yes\n" : "no\n");
    }
    Path file = Files.writeString(home.resolve("mail.csv"), csv);
    mail = Dataset.from(Csv.of(file)).text("body").label("spam").split(0.8, 0.1, 0.1).seed(3);
    base =
        training(
                Training.of(
                    Models.textClassifier()
                        .layers(1)
                        .size(8)
                        .heads(2)
                        .feedForward(8)
                        .positions(TextEncoder.Positions.ROTARY),
                    mail))
            .run()
            .model();
  }

  private Training training(Training of) {
    return of.epochs(1).batchSize(8).backend(backend);
  }

  private ModelArtifact tuned(Tuning tuning) {
    return training(Training.of(base, mail)).tuning(tuning).run().model();
  }

  @Test
  void anAdapterAndItsHeadGoThroughAFolderOfPeft() throws IOException {
    ModelArtifact tuned = tuned(Lora.rank(2).alpha(3).targets("query", "value").rankStabilized());
    Path folder = home.resolve("adapter");

    PeftAdapters.save(tuned, "some/base", folder);
    ModelArtifact loaded = PeftAdapters.load(base, folder);

    assertThat(loaded.weights()).isEqualTo(tuned.weights());
    assertThat(loaded.graph()).isEqualTo(tuned.graph());
    PeftAdapter peft = PeftFolder.read(folder);
    assertThat(peft.savedModules()).containsExactly("classifier");
    assertThat(peft.tensors()).hasSize(6);
    assertThat(peft.task()).contains("SEQ_CLS");
    assertThat(Files.readString(folder.resolve("adapter_config.json")))
        .contains("\"r\" : 2", "\"use_rslora\" : true", "some/base");
  }

  @Test
  void virtualTokensGoThroughAFolderOfPeft() {
    ModelArtifact tuned = tuned(PromptTuning.tokens(2));
    Path folder = home.resolve("adapter");

    PeftAdapters.save(tuned, "", folder);

    assertThat(PeftAdapters.load(base, folder).weights()).isEqualTo(tuned.weights());
  }

  @Test
  void anAdapterForAnotherBaseIsRefused() {
    PeftAdapters.save(tuned(Lora.rank(2)), "some/base", home.resolve("adapter"));
    ModelArtifact other = training(Training.of(base, mail)).run().model();

    assertThatThrownBy(() -> PeftAdapters.load(other, home.resolve("adapter")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it was made with weights of digest");
  }

  @Test
  void aTunedModelIsMergedAfterItWasSaved() {
    ModelArtifact tuned = tuned(Lora.rank(2));
    Path folder = home.resolve("model");
    ArtifactFolder.write(tuned, folder);

    Weights merged = Adapters.merge(ArtifactFolder.read(folder)).weights();

    assertThat(merged).isEqualTo(Adapters.merge(tuned).weights());
    assertThat(merged.tensors().keySet()).isEqualTo(base.weights().tensors().keySet());
  }
}
