package io.athanor.training;

import static io.athanor.api.training.Patience.patience;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.fixture.ScriptedBackend;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResumeTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir Path folder;

  private Training training() {
    return training(TinyData.circle(40, 16, 5));
  }

  private Training training(TinyData data) {
    return Training.of(new TinyModel(6, 0.2), data)
        .backend(backend)
        .batchSize(6)
        .accumulate(2)
        .epochs(3)
        .learningRate(0.05)
        .schedule(Schedule.cosine().warmUp(0.1))
        .clipNorm(1)
        .evaluateEvery(4)
        .seed(7);
  }

  private static void cancelAt(long step, Training training) {
    AtomicReference<TrainingRun> run = new AtomicReference<>();
    run.set(
        training
            .listener(
                event -> {
                  if (event.kind() == TrainingEvent.Kind.STEP_COMPLETED && event.step() == step) {
                    while (run.get() == null) {
                      Thread.onSpinWait();
                    }
                    run.get().cancel();
                  }
                })
            .start());
    assertThat(run.get().await().stopReason()).isEqualTo(StopReason.CANCELLED);
  }

  /** Within an epoch, at its end, at an evaluation, and at the very first step. */
  @ParameterizedTest
  @ValueSource(longs = {1, 4, 7, 10, 14, 20})
  void goesOnBitByBit(long step) {
    TrainingResult whole = training().run();
    assertThat(whole.steps()).isEqualTo(21);

    cancelAt(step, training().checkpoints(folder));
    TrainingResult resumed = training().checkpoints(folder).run();

    assertThat(resumed.model().weightsDigest()).isEqualTo(whole.model().weightsDigest());
    assertThat(resumed.history()).isEqualTo(whole.history());
    assertThat(resumed.bestStep()).isEqualTo(whole.bestStep());
    assertThat(resumed.model().metrics()).isEqualTo(whole.model().metrics());
  }

  @Test
  void aFinishedRunGivesItsResultAgainWithoutTraining() {
    TrainingResult first = training().checkpoints(folder).run();
    List<TrainingEvent.Kind> kinds = new ArrayList<>();

    TrainingResult again =
        training().checkpoints(folder).listener(event -> kinds.add(event.kind())).run();

    assertThat(again.model().weightsDigest()).isEqualTo(first.model().weightsDigest());
    assertThat(again.stopReason()).isEqualTo(StopReason.COMPLETED);
    assertThat(kinds).containsExactly(TrainingEvent.Kind.STARTED, TrainingEvent.Kind.ENDED);
  }

  @Test
  void earlyStoppingRemembersItsPatience() {
    ScriptedBackend script = new ScriptedBackend().validationLoss(step -> step == 2 ? 1 : 2);
    Training first = scripted(script);
    cancelAt(5, first);

    TrainingResult resumed = scripted(script).run();

    assertThat(resumed.stopReason()).isEqualTo(StopReason.STOPPED_EARLY);
    assertThat(resumed.steps()).isEqualTo(8);
    assertThat(resumed.bestStep()).isEqualTo(2);
    assertThat(resumed.model().weights().tensor("head.bias").floats()).containsExactly(2, 2);
  }

  private Training scripted(ScriptedBackend script) {
    return Training.of(new TinyModel(2, 0), TinyData.circle(40, 8, 1))
        .backend(script)
        .batchSize(4)
        .epochs(5)
        .evaluateEvery(2)
        .stopEarly("validation.loss", patience(3))
        .checkpoints(folder);
  }

  @Test
  void otherCheckpointIntervalsDoNotMatter() {
    cancelAt(5, training().checkpoints(folder).checkpointEvery(2).keepCheckpoints(2));

    TrainingResult resumed = training().checkpoints(folder).checkpointEvery(3).run();

    assertThat(resumed.model().weightsDigest()).isEqualTo(training().run().model().weightsDigest());
  }

  static Stream<Arguments> otherRuns() {
    return Stream.of(
        Arguments.of("plan.epochs was 3 and is 4", (Change) t -> t.epochs(4)),
        Arguments.of("plan.learningRate was 0.05 and is 0.01", (Change) t -> t.learningRate(0.01)),
        Arguments.of("plan.optimizer was", (Change) t -> t.optimizer(Optimizer.sgd(0.9))),
        Arguments.of("plan.schedule was", (Change) t -> t.schedule(Schedule.linear())),
        Arguments.of("plan.seed was 7 and is 8", (Change) t -> t.seed(8)),
        Arguments.of("plan.accumulate was 2 and is 3", (Change) t -> t.accumulate(3)));
  }

  private interface Change {
    Training apply(Training training);
  }

  @ParameterizedTest
  @MethodSource("otherRuns")
  void refusesCheckpointsOfAnotherPlan(String difference, Change change) {
    cancelAt(2, training().checkpoints(folder));

    assertThatThrownBy(() -> change.apply(training().checkpoints(folder)).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(difference)
        .hasMessageContaining("another folder (or delete");
  }

  @Test
  void refusesCheckpointsOfOtherDataOrAnotherModel() {
    cancelAt(2, training().checkpoints(folder));

    assertThatThrownBy(() -> training(TinyData.circle(40, 16, 6)).checkpoints(folder).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("data.rows was sha256:");
    assertThatThrownBy(
            () ->
                Training.of(new TinyModel(7, 0.2), TinyData.circle(40, 16, 5))
                    .plan(training().plan())
                    .backend(backend)
                    .checkpoints(folder)
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("model.graph was sha256:");
  }

  @Test
  void twoRunsCannotShareAFolder() {
    AtomicReference<Throwable> second = new AtomicReference<>();

    training()
        .checkpoints(folder)
        .listener(
            event -> {
              if (event.kind() == TrainingEvent.Kind.STARTED) {
                try {
                  training().checkpoints(folder).start();
                } catch (ConflictException e) {
                  second.set(e);
                }
              }
            })
        .run();

    assertThat(second.get()).hasMessageContaining("another run writes its checkpoints here");
  }
}
