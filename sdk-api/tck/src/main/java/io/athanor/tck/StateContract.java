package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static io.athanor.tck.BackendUnderTest.rate;
import static io.athanor.tck.BackendUnderTest.trainable;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Training repeats itself, stops and goes on, here or on another backend. */
interface StateContract extends BackendUnderTest {
  private static StepResult train(TrainableModel model, Graph graph, int from, int to) {
    StepResult last = new StepResult(0, 0);
    for (int step = from; step < to; step++) {
      List<MicroBatch> batches =
          List.of(TinyGraphs.batch(graph, 4, 5, step), TinyGraphs.batch(graph, 2, 3, 50 + step));
      last = model.step(batches, new StepSettings(0.02, 2));
    }
    return last;
  }

  /** A transformer with dropout, and a convolution with running statistics. */
  private static List<Graph> statefulGraphs() {
    return List.of(TinyGraphs.textEncoder(0.2), TinyGraphs.cnn());
  }

  private Stream<DynamicTest> forEveryOptimizer(OptimizerTest test) {
    List<DynamicTest> tests = new ArrayList<>();
    for (Graph graph : statefulGraphs()) {
      for (Optimizer optimizer : BackendUnderTest.optimizers()) {
        tests.add(
            DynamicTest.dynamicTest(
                graph.name() + " with " + optimizer, () -> test.run(graph, optimizer)));
      }
    }
    assertThat(tests).hasSize(10);
    return tests.stream();
  }

  /** A test of one graph trained by one optimizer. */
  @FunctionalInterface
  interface OptimizerTest {
    void run(Graph graph, Optimizer optimizer);
  }

  @TestFactory
  default Stream<DynamicTest> sameSeedGivesTheSameBitsTwice() {
    assumeClaims(Capability.TRAIN);
    assumeClaims(Capability.DETERMINISTIC);
    return forEveryOptimizer(
        (graph, optimizer) -> {
          Weights weights = Weights.initialize(graph, 2);
          try (TrainableModel one = trainable(backend(), graph, weights, optimizer);
              TrainableModel two = trainable(backend(), graph, weights, optimizer)) {
            StepResult first = train(one, graph, 0, 4);
            StepResult second = train(two, graph, 0, 4);

            assertThat(second).isEqualTo(first);
            assertThat(two.weights()).isEqualTo(one.weights());
          }
        });
  }

  @Test
  default void anotherSeedDropsOtherElements() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.textEncoder(0.5);
    Weights weights = Weights.initialize(graph, 2);
    Set<Weights> seen = new HashSet<>();
    for (long seed : new long[] {0, 1, -1, Long.MIN_VALUE}) {
      TrainingMode mode = new TrainingMode(Optimizer.sgd(0), Precision.F32, seed);
      try (TrainableModel model = backend().compile(graph, weights, mode)) {
        train(model, graph, 0, 2);
        seen.add(model.weights());
        assertThat(model.state().seed()).isEqualTo(seed);
      }
    }
    assertThat(seen).as("weights after training with four seeds").hasSize(4);
  }

  @TestFactory
  default Stream<DynamicTest> freshModelContinuesFromAStateBitExactly() {
    assumeClaims(Capability.TRAIN);
    assumeClaims(Capability.DETERMINISTIC);
    return forEveryOptimizer(
        (graph, optimizer) -> {
          TrainingMode otherSeed = new TrainingMode(optimizer, Precision.F32, 999);
          try (TrainableModel straight =
                  trainable(backend(), graph, Weights.initialize(graph, 2), optimizer);
              TrainableModel resumed =
                  backend().compile(graph, Weights.initialize(graph, 3), otherSeed)) {
            train(straight, graph, 0, 3);
            TrainingState state = straight.state();
            StepResult expected = train(straight, graph, 3, 6);

            train(resumed, graph, 10, 12);
            resumed.restore(state);
            assertThat(resumed.state()).isEqualTo(state);
            StepResult actual = train(resumed, graph, 3, 6);

            assertThat(actual).isEqualTo(expected);
            assertThat(resumed.state()).isEqualTo(straight.state());
          }
        });
  }

  @TestFactory
  default Stream<DynamicTest> stateOfOneBackendRunsOnTheOther() {
    assumeClaims(Capability.TRAIN);
    List<DynamicTest> tests = new ArrayList<>();
    for (Optimizer optimizer : BackendUnderTest.optimizers()) {
      tests.add(
          DynamicTest.dynamicTest(
              "from the reference with " + optimizer,
              () -> runsOnTheOther(reference(), backend(), optimizer)));
      tests.add(
          DynamicTest.dynamicTest(
              "to the reference with " + optimizer,
              () -> runsOnTheOther(backend(), reference(), optimizer)));
    }
    assertThat(tests).hasSize(10);
    return tests.stream();
  }

  private static void runsOnTheOther(Backend from, Backend to, Optimizer optimizer) {
    Graph graph = TinyGraphs.mlp();
    try (TrainableModel first = trainable(from, graph, Weights.initialize(graph, 2), optimizer);
        TrainableModel second = trainable(to, graph, Weights.initialize(graph, 3), optimizer)) {
      train(first, graph, 0, 3);
      TrainingState state = first.state();
      second.restore(state);
      assertThat(second.weights()).isEqualTo(state.weights());

      StepResult expected = train(first, graph, 3, 4);
      StepResult actual = train(second, graph, 3, 4);

      assertAgree("loss", expected.loss(), actual.loss(), 1e-4);
      assertAgree("norm", expected.gradientNorm(), actual.gradientNorm(), 1e-4);
      assertAgree(first.weights(), second.weights(), 1e-4);
      assertAgree(first.state().optimizer(), second.state().optimizer(), 1e-4);
    }
  }

  @TestFactory
  default Stream<DynamicTest> stateNamesItsMoments() {
    assumeClaims(Capability.TRAIN);
    return BackendUnderTest.optimizers().stream()
        .map(o -> DynamicTest.dynamicTest(o.toString(), () -> namesItsMoments(o)));
  }

  private void namesItsMoments(Optimizer optimizer) {
    Graph graph = TinyGraphs.regression().freeze(name -> name.endsWith(".bias"));
    Set<String> expected =
        optimizer instanceof Optimizer.Sgd
            ? Set.of("momentum/line.weight")
            : Set.of("first/line.weight", "second/line.weight");
    Weights weights = Weights.initialize(graph, 4);
    try (TrainableModel model = trainable(backend(), graph, weights, optimizer)) {
      TrainingState fresh = model.state();
      assertThat(fresh.weights().tensors()).containsOnlyKeys("line.weight");
      assertThat(fresh.weights().tensor("line.weight")).isEqualTo(weights.tensor("line.weight"));
      assertThat(model.learned()).isEqualTo(fresh.weights());
      assertThat(model.weights()).isEqualTo(weights);
      assertThat(fresh.steps()).isZero();
      assertThat(fresh.optimizer().keySet()).isEqualTo(expected);
      fresh
          .optimizer()
          .forEach((name, moment) -> assertThat(moment.floats()).as(name).containsOnly(0f));

      train(model, graph, 0, 2);

      assertThat(model.state().steps()).isEqualTo(2);
      assertThat(model.state().optimizer().keySet()).isEqualTo(expected);
      model
          .state()
          .optimizer()
          .forEach((name, moment) -> assertThat(moment.floats()).as(name).doesNotContain(0f));
    }
  }

  @Test
  default void stateOfAnotherGraphOrOptimizerIsRefusedAndChangesNothing() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.mlp();
    Graph other = TinyGraphs.regression();
    Weights weights = Weights.initialize(graph, 4);
    try (TrainableModel model = trainable(backend(), graph, weights, Optimizer.adam());
        TrainableModel otherGraph =
            trainable(backend(), other, Weights.initialize(other, 4), Optimizer.adam());
        TrainableModel otherOptimizer =
            trainable(backend(), graph, Weights.initialize(graph, 5), Optimizer.sgd(0.9))) {
      model.step(List.of(TinyGraphs.batch(graph, 3, 1, 1)), rate(0.1));
      TrainingState before = model.state();

      assertThatThrownBy(() -> model.restore(otherGraph.state()))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("hidden.weight");
      assertThatThrownBy(() -> model.restore(otherOptimizer.state()))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("first/");

      assertThat(model.state()).isEqualTo(before);
    }
  }
}
