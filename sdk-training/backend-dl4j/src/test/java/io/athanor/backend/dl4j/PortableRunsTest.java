package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TrainingData;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingHistory;
import io.athanor.api.training.TrainingResult;
import io.athanor.api.training.Tuning;
import io.athanor.model.Models;
import io.athanor.training.Training;
import io.athanor.training.TrainingRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Folders of models and of checkpoints go from one engine to the other. */
class PortableRunsTest {
  private static Backend dl4j;
  private static Backend djl;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    dl4j = Network.dl4j();
    djl = Network.djl();
  }

  @AfterAll
  static void close() {
    dl4j.close();
    djl.close();
  }

  /** What learns, from what, and what of it. */
  private record Lesson(String name, Architecture model, TrainingData data, Tuning tuning) {
    Training training(Backend backend) {
      return Training.of(model, data)
          .backend(backend)
          .tuning(tuning)
          .optimizer(Optimizer.adamW(0.05))
          .batchSize(8)
          .accumulate(2)
          .epochs(3)
          .learningRate(0.02)
          .clipNorm(1)
          .seed(3);
    }

    Map<String, Tensor> inputs() {
      try (Batches.Stream stream = data.train().open(BatchOrder.sequential(5))) {
        return stream.next().tensors();
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Arguments> journeys() {
    Architecture encoder =
        Models.textClassifier().layers(1).size(8).heads(2).feedForward(16).dropout(0);
    Tuning all = FullTuning.everything();
    return Stream.of(
            new Lesson("perceptron", Models.mlp(8), Texts.measured(), all),
            new Lesson("encoder", encoder, Texts.labelled(), all),
            new Lesson(
                "llama with LoRA",
                Network.published("llama"),
                Texts.continued(1),
                Lora.rank(2).alpha(4)))
        .flatMap(lesson -> Stream.of(Arguments.of(lesson, true), Arguments.of(lesson, false)));
  }

  private static float[] predict(Backend backend, ModelArtifact model, Map<String, Tensor> inputs) {
    try (CompiledModel compiled =
        backend.compile(model.graph().forPrediction(), model.weights(), Precision.F32)) {
      return compiled.predict(inputs).get(Signature.OUTPUT).floats();
    }
  }

  @ParameterizedTest
  @MethodSource("journeys")
  void aModelsFolderSaysTheSameOnTheOtherEngine(Lesson lesson, boolean fromDl4j) {
    Backend home = fromDl4j ? dl4j : djl;
    Backend abroad = fromDl4j ? djl : dl4j;
    ModelArtifact model = lesson.training(home).epochs(1).run().model();
    ArtifactFolder.write(model, folder.resolve("model"));

    ModelArtifact read = ArtifactFolder.read(folder.resolve("model"));

    assertThat(read.weights()).isEqualTo(model.weights());
    assertThat(read.provenance().environment()).containsEntry("backend", home.name());
    assertThat(predict(abroad, read, lesson.inputs()))
        .containsExactly(predict(home, model, lesson.inputs()), within(1e-4f));
  }

  @ParameterizedTest
  @MethodSource("journeys")
  void aRunGoesOnFromACheckpointOfTheOtherEngine(Lesson lesson, boolean fromDl4j) {
    Backend home = fromDl4j ? dl4j : djl;
    Backend abroad = fromDl4j ? djl : dl4j;
    TrainingResult whole = lesson.training(home).run();
    assertThat(whole.steps()).isGreaterThan(5);

    cancelAt(4, lesson.training(home).checkpoints(folder));
    TrainingResult resumed = lesson.training(abroad).checkpoints(folder).run();

    assertThat(resumed.stopReason()).isEqualTo(StopReason.COMPLETED);
    assertThat(resumed.steps()).isEqualTo(whole.steps());
    List<TrainingHistory.Point> wanted = whole.history().curve();
    List<TrainingHistory.Point> found = resumed.history().curve();
    assertThat(found).hasSameSizeAs(wanted).hasSizeGreaterThan(5);
    assertThat(found.subList(0, 4)).as("steps at home").isEqualTo(wanted.subList(0, 4));
    for (int i = 4; i < wanted.size(); i++) {
      assertThat(found.get(i).loss())
          .as("loss %s", i)
          .isCloseTo(wanted.get(i).loss(), within(1e-3));
    }
    assertThat(resumed.bestStep()).isEqualTo(whole.bestStep());
    assertThat(predict(abroad, resumed.model(), lesson.inputs()))
        .containsExactly(predict(home, whole.model(), lesson.inputs()), within(1e-3f));
  }

  private static void cancelAt(long step, Training training) {
    CompletableFuture<TrainingRun> run = new CompletableFuture<>();
    run.complete(
        training
            .listener(
                event -> {
                  if (event.kind() == TrainingEvent.Kind.STEP_COMPLETED && event.step() == step) {
                    run.join().cancel();
                  }
                })
            .start());
    assertThat(run.join().await().stopReason()).isEqualTo(StopReason.CANCELLED);
  }
}
