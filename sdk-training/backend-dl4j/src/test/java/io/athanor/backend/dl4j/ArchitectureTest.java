package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every architecture of the SDK computes and learns here what it does on libtorch. */
class ArchitectureTest {
  private static Backend dl4j;
  private static Backend djl;

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

  static Stream<Network> all() {
    return Network.all();
  }

  static Stream<Network> withDropout() {
    return Network.withDropout(0.3);
  }

  @ParameterizedTest
  @MethodSource("all")
  void predictionsAreThoseOfLibtorch(Network network) {
    Weights weights = network.weights();
    float[] expected = network.predict(djl, weights);

    assertThat(expected).hasSizeGreaterThan(11).doesNotContain(Float.NaN);
    assertThat(network.predict(dl4j, weights)).containsExactly(expected, within(1e-4f));
  }

  @ParameterizedTest
  @MethodSource("all")
  void fiveStepsAreThoseOfLibtorch(Network network) {
    try (TrainableModel here = training(dl4j, network, 9);
        TrainableModel there = training(djl, network, 9)) {
      List<StepResult> expected = network.train(there, 0, 5);
      List<StepResult> found = network.train(here, 0, 5);

      assertThat(found).hasSize(5);
      for (int i = 0; i < 5; i++) {
        StepResult wanted = expected.get(i);
        assertThat(found.get(i).loss()).as("loss %s", i).isCloseTo(wanted.loss(), within(1e-3));
        assertThat(found.get(i).gradientNorm())
            .as("gradient norm %s", i)
            .isCloseTo(wanted.gradientNorm(), within(1e-3 * Math.max(1, wanted.gradientNorm())));
      }
    }
  }

  static Stream<Network> anyDropout() {
    return Stream.concat(all(), withDropout());
  }

  @ParameterizedTest
  @MethodSource("anyDropout")
  void theSameSeedGivesTheSameBits(Network network) {
    assertThat(afterFiveSteps(network, 9)).isEqualTo(afterFiveSteps(network, 9));
  }

  @ParameterizedTest
  @MethodSource("withDropout")
  void anotherSeedDropsOutOtherUnits(Network network) {
    assertThat(afterFiveSteps(network, 9).weights())
        .isNotEqualTo(afterFiveSteps(network, 10).weights());
  }

  private static TrainingState afterFiveSteps(Network network, long seed) {
    try (TrainableModel model = training(dl4j, network, seed)) {
      network.train(model, 0, 5);
      return model.state();
    }
  }

  private static TrainableModel training(Backend backend, Network network, long seed) {
    Graph graph = network.graph();
    TrainingMode mode = new TrainingMode(Optimizer.adamW(0.01), Precision.F32, seed);
    return backend.compile(graph, network.weights(), mode);
  }
}
