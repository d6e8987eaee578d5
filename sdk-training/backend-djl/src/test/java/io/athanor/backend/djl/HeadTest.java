package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The head written as one against the same nodes written one by one. */
class HeadTest {
  private static final LanguageNets NETS = LanguageNets.small();
  private static final WritingChoice AS_ONE = new WritingChoice(false, 1);
  private static final WritingChoice ONE_BY_ONE = new WritingChoice(false, Long.MAX_VALUE);
  private static final TrainingMode MODE = new TrainingMode(Optimizer.adamW(0), Precision.F32, 1);

  /** What a step would use. */
  private record Outcome(double loss, Map<String, float[]> gradients) {
    static Outcome of(Graph graph, MicroBatch batch, WritingChoice choice) {
      BackendOptions options = BackendOptions.defaults().withThreads(1);
      try (Backend backend = new DjlBackend(LibTorch.start(), options, new LeakReporter(), choice);
          TrainableModel model = backend.compile(graph, Weights.initialize(graph, 3), MODE)) {
        Map<String, float[]> gradients = new java.util.TreeMap<>();
        model
            .gradients(batch)
            .tensors()
            .forEach((name, tensor) -> gradients.put(name, tensor.floats()));
        return new Outcome(model.loss(batch), gradients);
      }
    }
  }

  private static void requireEqual(Graph graph, MicroBatch batch) {
    assertThat(AS_ONE.head(graph)).isPresent();
    assertThat(ONE_BY_ONE.head(graph)).isEmpty();
    Outcome one = Outcome.of(graph, batch, AS_ONE);
    Outcome other = Outcome.of(graph, batch, ONE_BY_ONE);
    assertThat(one.loss).isCloseTo(other.loss, within(1e-5));
    assertThat(one.gradients.keySet()).isEqualTo(other.gradients.keySet()).isNotEmpty();
    one.gradients.forEach(
        (name, gradient) ->
            assertThat(distance(gradient, other.gradients.get(name))).as(name).isLessThan(2e-6));
  }

  private static double distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    return most;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.4, 1})
  void tiedHeadHasTheGradientsOfItsParts(double ignored) {
    requireEqual(NETS.graph(), NETS.batch(1, 3, 7, ignored));
  }

  @Test
  void headWithBiasAndSoftCapHasTheGradientsOfItsParts() {
    requireEqual(NETS.graph(2, true), NETS.batch(1, 3, 7, 0.2));
  }

  @Test
  void frozenHeadPassesTheGradientOn() {
    requireEqual(NETS.withRank(2).graph(), NETS.batch(1, 3, 7, 0.2));
  }

  @Test
  void headAloneCanBeTrained() {
    Graph graph = NETS.graph(0, true).freeze(name -> !name.startsWith("head"));
    requireEqual(graph, NETS.batch(1, 3, 7, 0.2));
  }

  @Test
  void moreRowsThanOneChunkHasAddUp() {
    LanguageNets wide = new LanguageNets(400_000, 2, 0, 1, 1, 1, 0, 0);
    requireEqual(wide.graph(), wide.batch(1, 5, 8, 0.1));
  }

  @Test
  void fewClassesAreWrittenOneByOne() {
    assertThat(WritingChoice.STANDARD.head(NETS.graph())).isEmpty();
    assertThat(List.of(4095, 4096))
        .extracting(
            classes ->
                WritingChoice.STANDARD
                    .head(new LanguageNets(classes, 8, 1, 2, 1, 8, 0, 0).graph())
                    .isPresent())
        .containsExactly(false, true);
  }
}
