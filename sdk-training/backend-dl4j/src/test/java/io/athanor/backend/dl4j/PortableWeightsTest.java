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
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A run goes from one engine to the other, and back. */
class PortableWeightsTest {
  private static final int LEG = 4;

  /**
   * Its epsilon is above rounding errors: a bias before a batch norm has no gradient but those, and
   * Adam would take whole steps on them.
   */
  private static final Optimizer ADAM_W = new Optimizer.AdamW(0.9, 0.99, 1e-4, 0.05);

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

  static Stream<Network> networks() {
    return Network.all();
  }

  static List<Optimizer> optimizers() {
    return List.of(new Optimizer.Sgd(0, 0), new Optimizer.Sgd(0.9, 0.05), Optimizer.adam(), ADAM_W);
  }

  @Test
  void everyOptimizerIsTried() {
    assertThat(optimizers().stream().map(Object::getClass).distinct())
        .hasSameElementsAs(List.of(Optimizer.class.getPermittedSubclasses()));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void theStateOfEveryOptimizerIsThatOfTheOtherEngine(Optimizer optimizer) {
    Network network = networks().findFirst().orElseThrow();
    try (TrainableModel here = training(dl4j, network, optimizer);
        TrainableModel there = training(djl, network, optimizer)) {
      network.train(here, 0, LEG);
      network.train(there, 0, LEG);

      TrainingState found = here.state();
      TrainingState expected = there.state();
      assertThat(found.steps()).isEqualTo(LEG).isEqualTo(expected.steps());
      assertThat(found.seed()).isEqualTo(expected.seed());
      assertClose(found.weights(), expected.weights());
      assertClose(Weights.of(found.optimizer()), Weights.of(expected.optimizer()));
    }
    runsChangePlacesTwice(network, optimizer);
  }

  private static void assertClose(Weights found, Weights expected) {
    assertThat(found.tensors()).isNotEmpty().containsOnlyKeys(expected.tensors().keySet());
    expected
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(found.tensor(name).floats())
                    .as(name)
                    .containsExactly(tensor.floats(), within(1e-4f)));
  }

  @ParameterizedTest
  @MethodSource("networks")
  void runsOfEveryArchitectureChangePlacesTwice(Network network) {
    runsChangePlacesTwice(network, ADAM_W);
  }

  /** The run that begins on ND4J and the one that begins on libtorch, beside two that stay. */
  private static void runsChangePlacesTwice(Network network, Optimizer optimizer) {
    try (TrainableModel here = training(dl4j, network, optimizer);
        TrainableModel there = training(djl, network, optimizer)) {
      List<StepResult> fromHere = new ArrayList<>(network.train(here, 0, LEG));
      List<StepResult> fromThere = new ArrayList<>(network.train(there, 0, LEG));
      changePlaces(network, here, there);
      fromThere.addAll(network.train(here, LEG, 2 * LEG));
      fromHere.addAll(network.train(there, LEG, 2 * LEG));
      changePlaces(network, here, there);
      fromHere.addAll(network.train(here, 2 * LEG, 3 * LEG));
      fromThere.addAll(network.train(there, 2 * LEG, 3 * LEG));

      assertLikeOneThatStayed(network, optimizer, dl4j, fromHere, here);
      assertLikeOneThatStayed(network, optimizer, djl, fromThere, there);
    }
  }

  private static void changePlaces(Network network, TrainableModel here, TrainableModel there) {
    TrainingState ofHere = here.state();
    TrainingState ofThere = there.state();
    float[] saidHere = network.predict(dl4j, here.weights());
    float[] saidThere = network.predict(djl, there.weights());

    here.restore(ofThere);
    there.restore(ofHere);

    assertThat(here.state()).as("bits of the state").isEqualTo(ofThere);
    assertThat(there.state()).as("bits of the state").isEqualTo(ofHere);
    assertThat(network.predict(dl4j, here.weights())).containsExactly(saidThere, within(1e-4f));
    assertThat(network.predict(djl, there.weights())).containsExactly(saidHere, within(1e-4f));
  }

  private static void assertLikeOneThatStayed(
      Network network,
      Optimizer optimizer,
      Backend home,
      List<StepResult> travelled,
      TrainableModel arrived) {
    try (TrainableModel stayed = training(home, network, optimizer)) {
      List<StepResult> whole = network.train(stayed, 0, 3 * LEG);
      assertThat(travelled).hasSize(3 * LEG).hasSameSizeAs(whole);
      for (int i = 0; i < whole.size(); i++) {
        assertThat(travelled.get(i).loss())
            .as("loss %s", i)
            .isCloseTo(whole.get(i).loss(), within(1e-3));
      }
      assertThat(arrived.state().steps()).isEqualTo(3 * LEG);
      assertThat(network.predict(home, arrived.weights()))
          .containsExactly(network.predict(home, stayed.weights()), within(1e-4f));
    }
  }

  private static TrainableModel training(Backend backend, Network network, Optimizer optimizer) {
    return backend.compile(
        network.graph(), network.weights(), new TrainingMode(optimizer, Precision.F32, 5));
  }
}
