package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** 16-bit programs beside those in F32; small products work on every processor. */
class RoundedProductsTest {
  private static final StepSettings SETTINGS = new StepSettings(1e-3, 1);
  private static final LanguageNets NETS = LanguageNets.small();

  static Stream<Arguments> models() {
    MicroBatch text = NETS.batch(3, 4, 16, 0.2);
    MicroBatch sentences = Nets.sentences(3, 8, 12, 50);
    return Stream.of(
            Arguments.of(Nets.mlp(8, 16, 3, 0), Nets.points(3, 16, 3, 8), 4096L),
            Arguments.of(Nets.cnn(8, 4, 3), Nets.points(3, 8, 3, 1, 8, 8), 4096L),
            Arguments.of(Nets.encoder(50, 16, 2, 2, 2, 0), sentences, 4096L),
            Arguments.of(Nets.encoder(50, 16, 2, 2, 2, 0.1), sentences, 4096L),
            Arguments.of(NETS.graph(), text, 4096L),
            Arguments.of(NETS.graph(30, true), text, 2L),
            Arguments.of(NETS.withRank(2).graph(), text, 2L))
        .flatMap(
            model -> Stream.of(false, true).map(apart -> Arguments.of(append(model.get(), apart))));
  }

  private static Object[] append(Object[] values, boolean last) {
    return Stream.concat(Stream.of(values), Stream.of(last)).toArray();
  }

  private static TrainingMode mode(Precision precision) {
    return new TrainingMode(Optimizer.adamW(0.1), precision, 7);
  }

  private static Backend open(boolean separate, long leastClasses) {
    return TestBackends.open(
        TestBackends.rounding(separate), new WritingChoice(false, leastClasses));
  }

  @ParameterizedTest
  @MethodSource("models")
  void trainingFollowsThatInF32(
      Graph graph, MicroBatch batch, long leastClasses, boolean separate) {
    Weights weights = Weights.initialize(graph, 1);
    try (Backend backend = open(separate, leastClasses);
        TrainableModel exact = backend.compile(graph, weights, mode(Precision.F32));
        TrainableModel rounded = backend.compile(graph, weights, mode(Precision.BF16))) {
      double cosine = cosine(exact.gradients(batch), rounded.gradients(batch));
      assertThat(cosine).isGreaterThan(0.99).isLessThan(1 - 1e-9);
      for (int i = 0; i < 5; i++) {
        double expected = exact.step(List.of(batch), SETTINGS).loss();
        assertThat(rounded.step(List.of(batch), SETTINGS).loss()).isCloseTo(expected, within(2e-2));
      }
      assertThat(rounded.loss(batch)).isCloseTo(exact.loss(batch), within(2e-2));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void restoredTrainingGoesOnBitForBit(boolean separate) {
    Graph graph = NETS.withDropout(0.1).graph();
    Weights weights = Weights.initialize(graph, 1);
    MicroBatch batch = NETS.batch(3, 4, 16, 0.2);
    try (Backend backend = open(separate, 4096);
        TrainableModel first = backend.compile(graph, weights, mode(Precision.BF16));
        TrainableModel second = backend.compile(graph, weights, mode(Precision.BF16))) {
      first.step(List.of(batch), SETTINGS);
      TrainingState state = first.state();
      assertThat(state.optimizer().values()).allMatch(moment -> moment.dtype().bytes() == 4);
      double expected = first.step(List.of(batch, batch), SETTINGS).loss();
      second.restore(state);
      assertThat(second.step(List.of(batch, batch), SETTINGS).loss()).isEqualTo(expected);
      assertThat(second.weights()).isEqualTo(first.weights());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"BF16", "F16"})
  void predictionsAndDecodingFollowThoseInF32(Precision precision) {
    Graph graph = NETS.graph();
    Weights weights = Weights.initialize(graph, 1);
    Map<String, Tensor> tokens = NETS.batch(3, 2, 9, 0).tensors();
    int[] prompt = {5, 7, 11};
    for (boolean separate : List.of(false, true)) {
      try (Backend backend = open(separate, 4096);
          CompiledModel exact = backend.compile(graph, weights, Precision.F32);
          CompiledModel rounded = backend.compile(graph, weights, precision);
          Decoder exactly = backend.decoder(graph, weights, Precision.F32);
          Decoder roughly = backend.decoder(graph, weights, precision)) {
        assertNear(exact.predict(tokens).get("output"), rounded.predict(tokens).get("output"));
        List<int[]> prompts = List.of(prompt, new int[] {3});
        assertNear(exactly.begin(prompts, 8, Map.of()), roughly.begin(prompts, 8, Map.of()));
        assertNear(exactly.next(new int[] {1, 2}), roughly.next(new int[] {1, 2}));
      }
    }
  }

  /** Within 2 % of the spread of the expected numbers, but not equal. */
  private static void assertNear(Tensor expected, Tensor actual) {
    float[] e = expected.floats();
    float[] a = actual.floats();
    double whole = 0;
    double difference = 0;
    for (int i = 0; i < e.length; i++) {
      whole += (double) e[i] * e[i];
      difference += Math.pow(a[i] - (double) e[i], 2);
    }
    assertThat(Math.sqrt(difference / whole)).isGreaterThan(1e-5).isLessThan(2e-2);
  }

  @Test
  void trainingInF16IsRefused() {
    Graph graph = Nets.mlp(4, 8, 3, 0);
    try (Backend backend = open(false, 4096)) {
      assertThatThrownBy(
              () -> backend.compile(graph, Weights.initialize(graph, 1), mode(Precision.F16)))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("training in F16: small gradients vanish");
    }
  }

  private static double cosine(Weights a, Weights b) {
    double product = 0;
    double first = 0;
    double second = 0;
    for (String name : a.tensors().keySet()) {
      float[] x = a.tensor(name).floats();
      float[] y = b.tensor(name).floats();
      for (int i = 0; i < x.length; i++) {
        product += (double) x[i] * y[i];
        first += (double) x[i] * x[i];
        second += (double) y[i] * y[i];
      }
    }
    return product / Math.sqrt(first * second);
  }
}
