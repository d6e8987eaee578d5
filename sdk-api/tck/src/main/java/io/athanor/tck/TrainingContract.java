package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static io.athanor.tck.BackendUnderTest.rate;
import static io.athanor.tck.BackendUnderTest.trainable;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Capability;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Steps do to weights what the reference's do. */
interface TrainingContract extends BackendUnderTest {
  @TestFactory
  default Stream<DynamicTest> everyArchitectureLearnsAlongTheReferencesCurve() {
    assumeClaims(Capability.TRAIN);
    List<DynamicTest> tests = new ArrayList<>();
    for (Graph graph : TinyGraphs.all()) {
      for (Optimizer optimizer : BackendUnderTest.optimizers()) {
        tests.add(
            DynamicTest.dynamicTest(
                graph.name() + " with " + optimizer,
                () -> learnsAlongTheReferencesCurve(graph, optimizer)));
      }
    }
    assertThat(tests).hasSize(30);
    return tests.stream();
  }

  private void learnsAlongTheReferencesCurve(Graph graph, Optimizer optimizer) {
    Weights weights = Weights.initialize(graph, 3);
    StepSettings settings = new StepSettings(0.02, 1.5);
    try (TrainableModel expected = trainable(reference(), graph, weights, optimizer);
        TrainableModel actual = trainable(backend(), graph, weights, optimizer)) {
      for (int step = 1; step <= 5; step++) {
        List<MicroBatch> batches =
            List.of(TinyGraphs.batch(graph, 4, 5, step), TinyGraphs.batch(graph, 2, 3, 100 + step));
        StepResult wanted = expected.step(batches, settings);
        StepResult got = actual.step(batches, settings);
        assertAgree("loss of step " + step, wanted.loss(), got.loss(), 1e-3);
        assertAgree("norm of step " + step, wanted.gradientNorm(), got.gradientNorm(), 1e-3);
      }
      MicroBatch unseen = TinyGraphs.batch(graph, 4, 5, 77);
      assertAgree("loss after training", expected.loss(unseen), actual.loss(unseen), 1e-3);
      assertAgree(expected.predict(unseen.tensors()), actual.predict(unseen.tensors()), 2e-3);
    }
  }

  @Test
  default void weightedMicroBatchesEqualTheFullBatch() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.mlp();
    MicroBatch full = TinyGraphs.batch(graph, 12, 1, 4);
    try (TrainableModel whole = model(graph, Optimizer.adam());
        TrainableModel parts = model(graph, Optimizer.adam())) {
      StepResult expected = whole.step(List.of(full), rate(0.01));
      StepResult actual = parts.step(List.of(rows(full, 0, 5), rows(full, 5, 12)), rate(0.01));

      assertThat(actual.loss()).isCloseTo(expected.loss(), within(1e-5));
      assertThat(actual.gradientNorm()).isCloseTo(expected.gradientNorm(), within(1e-4));
      assertAgree(whole.weights(), parts.weights(), 1e-4);
    }
  }

  private static MicroBatch rows(MicroBatch batch, int from, int to) {
    Map<String, Tensor> tensors = new HashMap<>();
    batch
        .tensors()
        .forEach(
            (name, tensor) -> {
              long[] shape = tensor.shape();
              int row = tensor.bytes().remaining() / (int) shape[0];
              shape[0] = (long) to - from;
              tensors.put(
                  name,
                  Tensor.of(
                      tensor.dtype(), tensor.bytes().slice(from * row, (to - from) * row), shape));
            });
    return new MicroBatch(tensors, to - from);
  }

  private TrainableModel model(Graph graph, Optimizer optimizer) {
    return trainable(backend(), graph, Weights.initialize(graph, 9), optimizer);
  }

  @Test
  default void stepMovesWeightsByTheGradientsItReports() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.lstm();
    MicroBatch batch = TinyGraphs.batch(graph, 3, 4, 1);
    try (TrainableModel model = model(graph, Optimizer.sgd(0))) {
      Weights before = model.weights();
      Weights gradients = model.gradients(batch);
      assertThat(model.weights()).as("weights after asking for gradients").isEqualTo(before);

      StepResult result = model.step(List.of(batch), rate(0.5));

      Weights after = model.weights();
      assertThat(result.gradientNorm()).isCloseTo(norm(gradients), within(1e-5));
      for (String name : gradients.tensors().keySet()) {
        float[] expected = before.tensor(name).floats();
        float[] gradient = gradients.tensor(name).floats();
        for (int i = 0; i < expected.length; i++) {
          expected[i] -= 0.5f * gradient[i];
        }
        Tensor wanted = Tensor.ofFloats(expected, before.tensor(name).shape());
        assertAgree(name, wanted, after.tensor(name), 1e-5);
      }
    }
  }

  private static double norm(Weights weights) {
    double sum = 0;
    for (Tensor tensor : weights.tensors().values()) {
      for (float value : tensor.floats()) {
        sum += (double) value * value;
      }
    }
    return Math.sqrt(sum);
  }

  /** The elements by which two sets of weights differ, as weights. */
  private static Weights difference(Weights a, Weights b) {
    Map<String, Tensor> differences = new HashMap<>();
    a.tensors()
        .forEach(
            (name, tensor) -> {
              float[] left = tensor.floats();
              float[] right = b.tensor(name).floats();
              for (int i = 0; i < left.length; i++) {
                left[i] -= right[i];
              }
              differences.put(name, Tensor.ofFloats(left, tensor.shape()));
            });
    return Weights.of(differences);
  }

  @Test
  default void clippingShortensGradientsOnlyAboveTheLimit() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.regression();
    List<MicroBatch> batch = List.of(TinyGraphs.batch(graph, 4, 1, 6));
    try (TrainableModel free = model(graph, Optimizer.sgd(0));
        TrainableModel far = model(graph, Optimizer.sgd(0));
        TrainableModel clipped = model(graph, Optimizer.sgd(0))) {
      Weights before = free.weights();
      double norm = free.step(batch, rate(1)).gradientNorm();
      double reportedFar = far.step(batch, new StepSettings(1, 2 * norm)).gradientNorm();
      double reported = clipped.step(batch, new StepSettings(1, norm / 4)).gradientNorm();

      assertThat(norm(difference(free.weights(), before))).isCloseTo(norm, within(1e-4));
      assertAgree(free.weights(), far.weights(), 1e-6);
      assertThat(norm(difference(clipped.weights(), before))).isCloseTo(norm / 4, within(1e-4));
      assertThat(reported).as("norm before clipping").isCloseTo(norm, within(1e-4));
      assertThat(reportedFar).isCloseTo(norm, within(1e-4));
    }
  }

  @TestFactory
  default Stream<DynamicTest> weightDecayPullsMatricesAndNothingElse() {
    assumeClaims(Capability.TRAIN);
    return Stream.of(
            List.of(Optimizer.sgd(0), new Optimizer.Sgd(0, 0.3)),
            List.of(Optimizer.adam(), Optimizer.adamW(0.3)))
        .map(
            pair ->
                DynamicTest.dynamicTest(
                    pair.get(1).toString(), () -> decays(pair.get(0), pair.get(1))));
  }

  private void decays(Optimizer without, Optimizer with) {
    Graph graph = TinyGraphs.textEncoder(0);
    List<MicroBatch> batch = List.of(TinyGraphs.batch(graph, 4, 5, 6));
    try (TrainableModel plain = model(graph, without);
        TrainableModel decaying = model(graph, with)) {
      Weights before = plain.weights();
      plain.step(batch, rate(0.1));
      decaying.step(batch, rate(0.1));
      Weights pulled = difference(decaying.weights(), plain.weights());
      int matrices = 0;
      for (Parameter parameter : graph.parameters()) {
        float[] expected = before.tensor(parameter.name()).floats();
        for (int i = 0; i < expected.length; i++) {
          expected[i] *= parameter.shape().rank() >= 2 ? -0.1f * 0.3f : 0;
        }
        Tensor wanted = Tensor.ofFloats(expected, parameter.shape().resolve(Map.of()));
        assertAgree(parameter.name(), wanted, pulled.tensor(parameter.name()), 1e-5);
        matrices += parameter.shape().rank() >= 2 ? 1 : 0;
      }
      assertThat(matrices).isBetween(8, graph.parameters().size() - 8);
    }
  }

  @TestFactory
  default Stream<DynamicTest> frozenParametersStayWhileStatisticsMove() {
    assumeClaims(Capability.TRAIN);
    List<Optimizer> optimizers = BackendUnderTest.optimizers();
    assertThat(optimizers).hasSize(5);
    return optimizers.stream().map(o -> DynamicTest.dynamicTest(o.toString(), () -> frozenStay(o)));
  }

  private void frozenStay(Optimizer optimizer) {
    Graph graph = TinyGraphs.cnn().freeze(name -> name.startsWith("conv."));
    List<MicroBatch> batches =
        List.of(TinyGraphs.batch(graph, 4, 1, 6), TinyGraphs.batch(graph, 3, 1, 7));
    try (TrainableModel expected =
            trainable(reference(), graph, Weights.initialize(graph, 9), optimizer);
        TrainableModel actual = model(graph, optimizer)) {
      Weights before = actual.weights();
      assertThat(actual.gradients(batches.get(0)).tensors())
          .containsOnlyKeys("norm.weight", "norm.bias", "head.weight", "head.bias");
      for (int step = 0; step < 2; step++) {
        expected.step(batches, rate(0.1));
        actual.step(batches, rate(0.1));
      }
      Weights after = actual.weights();
      assertThat(after.tensor("conv.weight")).isEqualTo(before.tensor("conv.weight"));
      for (String moving :
          List.of("norm.weight", "head.weight", "norm.running_mean", "norm.running_var")) {
        assertThat(after.tensor(moving)).as(moving).isNotEqualTo(before.tensor(moving));
      }
      for (String statistic : List.of("norm.running_mean", "norm.running_var")) {
        assertAgree(statistic, expected.weights().tensor(statistic), after.tensor(statistic), 1e-4);
      }
    }
  }

  @Test
  default void lookingChangesNothing() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.cnn();
    MicroBatch batch = TinyGraphs.batch(graph, 4, 1, 6);
    try (TrainableModel model = model(graph, Optimizer.adam())) {
      model.step(List.of(batch), rate(0.1));
      Weights before = model.weights();

      model.loss(batch);
      model.predict(batch.tensors());
      model.gradients(batch);
      model.state();

      assertThat(model.weights()).isEqualTo(before);
      model.step(List.of(batch), rate(0.1));
      assertThat(before).as("a copy of the weights").isNotEqualTo(model.weights());
    }
  }

  @Test
  default void anyThreadMayTakeTheNextStep() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.gru();
    MicroBatch batch = TinyGraphs.batch(graph, 4, 3, 6);
    try (TrainableModel here = model(graph, Optimizer.adam());
        TrainableModel there = model(graph, Optimizer.adam())) {
      for (int step = 0; step < 3; step++) {
        StepResult expected = here.step(List.of(batch), rate(0.1));
        StepResult actual =
            CompletableFuture.supplyAsync(() -> there.step(List.of(batch), rate(0.1))).join();
        assertAgree("loss", expected.loss(), actual.loss(), 1e-5);
      }
      assertAgree(here.weights(), there.weights(), 1e-4);
    }
  }

  @Test
  default void learningRateOfZeroKeepsTrainedWeights() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.mlp();
    try (TrainableModel model = model(graph, Optimizer.adamW(0.1))) {
      Weights before = model.weights();
      model.step(List.of(TinyGraphs.batch(graph, 4, 1, 6)), rate(0));
      assertThat(model.weights()).isEqualTo(before);
    }
  }
}
