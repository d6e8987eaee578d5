package io.athanor.training;

import static io.athanor.api.training.Patience.patience;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.Row;
import io.athanor.api.data.Signature;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.TrainingException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.fixture.ScriptedBackend;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final TinyData data = TinyData.circle(64, 32, 5);

  private Training circle() {
    return Training.of(new TinyModel(8, 0), data)
        .backend(backend)
        .batchSize(8)
        .learningRate(0.02)
        .seed(7);
  }

  private Training scripted(ScriptedBackend script) {
    return Training.of(new TinyModel(2, 0), data).backend(script).batchSize(8);
  }

  @Test
  void learnsToTellInsideFromOutside() {
    TrainingResult result = circle().epochs(30).stopEarly("validation.loss", patience(5)).run();

    assertThat(result.stopReason()).isIn(StopReason.COMPLETED, StopReason.STOPPED_EARLY);
    assertThat(result.model().metrics().get("validation.accuracy")).isGreaterThan(0.85);
    assertThat(result.history().evaluations().get(0).metrics().get("validation.loss"))
        .isGreaterThan(result.model().metrics().get("validation.loss"));
  }

  @Test
  void learnsToEstimateANumber() {
    TrainingResult result =
        Training.of(new TinyModel(8, 0), TinyData.plane(64, 32))
            .backend(backend)
            .batchSize(8)
            .epochs(40)
            .learningRate(0.02)
            .run();

    assertThat(result.model().metrics().get("validation.loss")).isLessThan(0.1);
    assertThat(result.model().metrics()).doesNotContainKey("validation.accuracy");
  }

  @Test
  void accumulationGivesTheSameWeightsAsTheWholeBatch() {
    Weights whole = circle().epochs(2).batchSize(12).run().model().weights();
    Weights split = circle().epochs(2).batchSize(12).accumulate(3).run().model().weights();

    assertThat(whole.tensors()).hasSize(4);
    for (Map.Entry<String, Tensor> tensor : whole.tensors().entrySet()) {
      float[] expected = tensor.getValue().floats();
      float[] actual = split.tensor(tensor.getKey()).floats();
      for (int i = 0; i < expected.length; i++) {
        assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f));
      }
    }
  }

  @Test
  void splitsABatchIntoMicroBatchesWeightedByTheirScoredRows() {
    ScriptedBackend script = new ScriptedBackend();

    scripted(script).epochs(1).batchSize(40).accumulate(2).run();

    assertThat(script.weightsOfMicroBatches())
        .containsExactly(List.of(20.0, 20.0), List.of(20.0, 4.0));
  }

  @Test
  void everyStepIsToldItsRateAndClipping() {
    ScriptedBackend script = new ScriptedBackend();

    scripted(script)
        .epochs(1)
        .batchSize(16)
        .learningRate(0.4)
        .schedule(Schedule.linear())
        .clipNorm(0.5)
        .run();

    assertThat(script.settings())
        .containsExactly(
            new StepSettings(0.4, 0.5),
            new StepSettings(0.4 * 0.75, 0.5),
            new StepSettings(0.4 * 0.5, 0.5),
            new StepSettings(0.4 * 0.25, 0.5));
  }

  @Test
  void sameSeedSameBits() {
    TrainingResult first = circle().epochs(2).run();

    assertThat(circle().epochs(2).run().model().weightsDigest())
        .isEqualTo(first.model().weightsDigest());
    assertThat(circle().epochs(2).seed(8).run().model().weightsDigest())
        .isNotEqualTo(first.model().weightsDigest());
  }

  @Test
  void keepsTheBestWeightsAndStopsWhenPatienceEnds() {
    ScriptedBackend script =
        new ScriptedBackend().validationLoss(step -> Math.abs(step - 12) + 1.0);

    TrainingResult result =
        scripted(script)
            .epochs(10)
            .evaluateEvery(4)
            .stopEarly("validation.loss", patience(2))
            .run();

    assertThat(result.stopReason()).isEqualTo(StopReason.STOPPED_EARLY);
    assertThat(result.steps()).isEqualTo(20);
    assertThat(result.bestStep()).isEqualTo(12);
    assertThat(result.model().weights().tensor("head.bias").floats()).containsExactly(12, 12);
    assertThat(result.model().metrics()).containsEntry("validation.loss", 1.0);
    assertThat(result.history().evaluations())
        .extracting(e -> e.step())
        .containsExactly(4L, 8L, 12L, 16L, 20L);
  }

  @Test
  void improvementsBelowTheMinimumDoNotCount() {
    ScriptedBackend script = new ScriptedBackend().validationLoss(step -> 1 - step * 1e-3);

    TrainingResult result =
        scripted(script)
            .epochs(10)
            .evaluateEvery(1)
            .stopEarly("validation.loss", patience(3).minimumChange(0.1))
            .run();

    assertThat(result.steps()).isEqualTo(4);
    assertThat(result.bestStep()).isEqualTo(1);
  }

  @Test
  void givesTheLastWeightsWhereNothingIsKeptAside() {
    TrainingResult result =
        Training.of(new TinyModel(2, 0), TinyData.circle(16, 0, 1))
            .backend(new ScriptedBackend())
            .batchSize(8)
            .epochs(3)
            .run();

    assertThat(result.bestStep()).isEqualTo(6);
    assertThat(result.model().weights().tensor("head.bias").floats()).containsExactly(6, 6);
    assertThat(result.model().metrics()).containsOnlyKeys("train.loss");
    assertThat(result.model().metrics().get("train.loss"))
        .isCloseTo((1.0 / 5 + 1.0 / 6) / 2, within(1e-12));
  }

  @Test
  void evaluatesAfterEachEpochAndAtTheEnd() {
    List<TrainingEvent.Kind> kinds = new ArrayList<>();

    scripted(new ScriptedBackend())
        .epochs(2)
        .batchSize(32)
        .listener(e -> kinds.add(e.kind()))
        .run();

    assertThat(kinds)
        .containsExactly(
            TrainingEvent.Kind.STARTED,
            TrainingEvent.Kind.STEP_COMPLETED,
            TrainingEvent.Kind.STEP_COMPLETED,
            TrainingEvent.Kind.EVALUATED,
            TrainingEvent.Kind.EPOCH_COMPLETED,
            TrainingEvent.Kind.STEP_COMPLETED,
            TrainingEvent.Kind.STEP_COMPLETED,
            TrainingEvent.Kind.EVALUATED,
            TrainingEvent.Kind.EPOCH_COMPLETED,
            TrainingEvent.Kind.ENDED);
  }

  @Test
  void failsLoudlyOnALossThatIsNotANumber() {
    ScriptedBackend script =
        new ScriptedBackend().trainLoss(step -> step == 5 ? Double.NaN : 1.0 / step);
    List<TrainingEvent> events = new ArrayList<>();

    assertThatThrownBy(() -> scripted(script).learningRate(0.25).listener(events::add).run())
        .isInstanceOfSatisfying(TrainingException.class, e -> assertThat(e.step()).isEqualTo(5))
        .hasMessageContaining("Step 5: the loss is NaN at learning rate 0.25")
        .hasMessageContaining("Try a lower learning rate");
    assertThat(events.get(events.size() - 1).kind()).isEqualTo(TrainingEvent.Kind.FAILED);
  }

  @Test
  void failsLoudlyOnAnInfiniteGradientAndValidationLoss() {
    assertThatThrownBy(
            () -> scripted(new ScriptedBackend().gradientNorm(s -> Double.POSITIVE_INFINITY)).run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("Step 1: the gradient norm is Infinity");
    assertThatThrownBy(() -> scripted(new ScriptedBackend().validationLoss(s -> Double.NaN)).run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("Step 8: the validation.loss is NaN");
  }

  @Test
  void failsLoudlyWithoutAnyGradient() {
    assertThatThrownBy(
            () -> scripted(new ScriptedBackend().gradientNorm(step -> 0)).epochs(9).run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("Step 10: the gradient was exactly 0 for 10 steps in a row");
  }

  @Test
  void aPerfectFitIsNotADeadLoss() {
    ScriptedBackend script = new ScriptedBackend().trainLoss(s -> 0).gradientNorm(s -> 0);

    assertThat(scripted(script).epochs(9).run().stopReason()).isEqualTo(StopReason.COMPLETED);
  }

  @Test
  void failsLoudlyWhenTheLossNeverMoves() {
    assertThatThrownBy(() -> scripted(new ScriptedBackend().trainLoss(step -> 0.7)).epochs(9).run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("Step 50: the loss has been exactly 0.7 at every step so far");
  }

  @Test
  void failsLoudlyOnABatchWithoutTargets() {
    TinyData masked = data.withBatches(b -> new Batch(b.tensors(), b.rows(), 0));

    assertThatThrownBy(
            () ->
                Training.of(new TinyModel(2, 0), masked)
                    .backend(new ScriptedBackend())
                    .batchSize(8)
                    .run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("Step 1: none of the 8 rows of this batch has a target");
  }

  @Test
  void failsLoudlyWhereDataCountTargetsThatAreAllIgnored() {
    TinyData lying = data.withBatches(TrainingTest::ignoringAll);

    assertThatThrownBy(() -> Training.of(new TinyModel(2, 0), lying).backend(backend).run())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("rows of this batch has a target that counts in the loss");
  }

  private static Batch ignoringAll(Batch batch) {
    long[] ignored = new long[batch.rows()];
    Arrays.fill(ignored, LossOp.IGNORED);
    Map<String, Tensor> tensors = new HashMap<>(batch.tensors());
    tensors.put(Signature.TARGET, Tensor.ofLongs(ignored, ignored.length));
    return new Batch(tensors, batch.rows(), batch.scored());
  }

  @Test
  void refusesAModelWithNothingToTrain() {
    ModelArtifact model = scripted(new ScriptedBackend()).epochs(1).run().model();
    ModelArtifact frozen =
        new ModelArtifact(
            model.architecture(),
            model.config(),
            model.graph().freeze(name -> true),
            model.weights(),
            model.encoding(),
            Map.of(),
            model.provenance());

    assertThatThrownBy(() -> Training.of(frozen, data).backend(backend).start())
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("the model 'tiny' has no trained parameter, all are frozen");
  }

  @Test
  void listsAllThatDoesNotFitTogether() {
    ModelArtifact classifier = scripted(new ScriptedBackend()).epochs(1).run().model();

    assertThatThrownBy(
            () ->
                Training.of(classifier, TinyData.plane(8, 4))
                    .backend(backend)
                    .monitor("validation.accuracy")
                    .start())
        .isInstanceOfSatisfying(ValidationException.class, e -> assertThat(e.problems()).hasSize(2))
        .hasMessageContaining("use data.encodedBy(model.encoding())")
        .hasMessageContaining("the task is regression");
    assertThatThrownBy(
            () ->
                Training.of(new TinyModel(2, 0), TinyData.circle(8, 0, 1))
                    .backend(backend)
                    .stopEarly("validation.loss", patience(1))
                    .start())
        .hasMessageContaining("no validation rows were kept aside; split some off");
    assertThatThrownBy(
            () ->
                Training.of(new TinyModel(2, 0), TinyData.circle(0, 4, 1)).backend(backend).start())
        .hasMessageContaining("there are no rows to train on");
  }

  @Test
  void asksTheBackendBeforeItStarts() {
    assertThatThrownBy(() -> scripted(new ScriptedBackend()).precision(Precision.BF16).start())
        .isInstanceOf(UnsupportedException.class)
        .hasMessage("Unsupported: no BF16. Use F32");
    assertThatThrownBy(() -> Training.of(new TinyModel(2, 0), data).backend("nowhere").start())
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No backend 'nowhere'");
  }

  @Test
  void trainsAModelFurther() {
    ModelArtifact first = circle().epochs(2).run().model();

    TrainingResult second =
        Training.of(first, data).backend(backend).batchSize(8).learningRate(0.02).epochs(4).run();

    assertThat(second.model().metrics().get("validation.loss"))
        .isLessThan(first.metrics().get("validation.loss"));
    assertThat(second.model().provenance().base()).contains(first.weightsDigest());
  }

  @Test
  void theModelSaysWhatMadeIt() {
    Instant noon = Instant.parse("2026-05-06T12:00:00Z");

    ModelArtifact model =
        circle()
            .epochs(1)
            .optimizer(Optimizer.sgd(0.5))
            .clock(Clock.fixed(noon, ZoneOffset.UTC))
            .run()
            .model();

    assertThat(model.provenance().created()).isEqualTo(noon);
    assertThat(model.provenance().seed()).isEqualTo(7);
    assertThat(model.provenance().plan())
        .contains("\"optimizer\":{\"kind\":\"sgd\",\"momentum\":0.5");
    assertThat(model.provenance().data()).containsExactly(data.provenance());
    assertThat(model.provenance().environment())
        .containsKeys("athanor", "java", "jvm", "os", "backend")
        .containsEntry("backend", backend.name())
        .containsAllEntriesOf(backend.identity());
    assertThat(model.provenance().environment().get("athanor")).matches("\\d+\\.\\d+\\.\\d+.*");
  }

  @Test
  void theModelPredictsTheSameAfterAWayThroughItsFolder(@TempDir Path root) {
    ModelArtifact model = circle().epochs(2).run().model();
    ArtifactFolder.write(model, root.resolve("model"));

    ModelArtifact read = ArtifactFolder.read(root.resolve("model"));

    Row row = Row.of(Map.of("x", 0.1, "y", 0.2));
    try (Predictor before = Predictor.of(model, backend);
        Predictor after = Predictor.of(read, backend)) {
      assertThat(after.predict(row)).isEqualTo(before.predict(row));
    }
    assertThat(read.weightsDigest()).isEqualTo(model.weightsDigest());
    assertThat(read.provenance()).isEqualTo(model.provenance());
  }
}
