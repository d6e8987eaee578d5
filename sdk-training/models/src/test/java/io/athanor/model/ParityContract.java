package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.training.tuning.TunedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Published models compute on a backend what they compute in transformers. */
abstract class ParityContract {
  private static final double SAME = 1e-4;
  private static final double SAME_STEP = 1e-3;

  private Backend backend;

  abstract Backend open();

  @BeforeEach
  void openBackend() {
    backend = open();
  }

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  static Stream<String> generators() {
    return ParityCase.GENERATION.stream();
  }

  static Stream<String> classifiers() {
    return ParityCase.CLASSIFICATION.stream();
  }

  @ParameterizedTest
  @MethodSource("generators")
  void logitsOfRealPositionsAreThoseOfTransformers(String name) {
    ParityCase parity = ParityCase.generation(name);

    assertRealPositions(parity, output(parity), parity.floats("logits"));
  }

  @ParameterizedTest
  @MethodSource("classifiers")
  void scoresAreThoseOfTransformers(String name) {
    ParityCase parity = ParityCase.classification(name);

    assertThat(output(parity)).containsExactly(parity.floats("logits"), within((float) SAME));
  }

  @Test
  void embeddingsAreThoseOfSentenceTransformers() {
    ParityCase parity = ParityCase.read("bert-embedding", new Task.Embedding("pair", 0.05));

    assertThat(output(parity)).containsExactly(parity.floats("embeddings"), within((float) SAME));
    assertThat(loss(parity)).isCloseTo(parity.floats("contrastive_loss")[0], within(SAME));
  }

  @ParameterizedTest
  @MethodSource({"generators", "classifiers"})
  void lossIsThatOfTransformers(String name) {
    ParityCase parity = any(name);

    assertThat(loss(parity)).isCloseTo(parity.floats("loss")[0], within(SAME));
  }

  @ParameterizedTest
  @MethodSource("generators")
  void preferenceLossIsThatOfItsFormula(String name) {
    ParityCase parity = ParityCase.read(name, new Task.PreferenceRanking("answer", 0.1));

    assertThat(loss(parity)).isCloseTo(parity.floats("preference_loss")[0], within(SAME));
  }

  @ParameterizedTest
  @MethodSource("generators")
  void greedyTextIsThatOfTransformers(String name) {
    ParityCase parity = ParityCase.generation(name);
    Graph graph = parity.graph().forPrediction();
    long[] expected = parity.expected().get("generated").longs();
    int tokens = expected.length / parity.rows();
    List<int[]> prompts = List.of(parity.prompt(0), parity.prompt(1));
    List<List<Long>> said = List.of(new ArrayList<>(), new ArrayList<>());
    try (Decoder decoder = backend.decoder(graph, parity.weights(), Precision.F32)) {
      Tensor logits = decoder.begin(prompts, parity.length() + tokens, Map.of());
      for (int i = 0; i < tokens; i++) {
        int[] best = best(logits);
        for (int row = 0; row < best.length; row++) {
          said.get(row).add((long) best[row]);
        }
        logits = decoder.next(best);
      }
    }

    assertThat(said.stream().flatMap(List::stream).mapToLong(Long::longValue).toArray())
        .containsExactly(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2", "bert-classification"})
  void stepsOfFullTrainingAreThoseOfTransformers(String name) {
    ParityCase parity = any(name);

    List<StepResult> steps = steps(parity, parity.graph(), parity.weights());

    assertSteps(steps, parity.floats("full_losses"), parity.floats("full_gradient_norms"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2", "bert-classification"})
  void logitsWithAnAdapterOfPeftAreThoseOfPeft(String name) {
    ParityCase parity = any(name);
    TunedModel tuned = parity.adapted();

    float[] found = output(parity, tuned.graph(), tuned.weights());

    assertRealPositions(parity, found, parity.floats("adapter_logits"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "gpt2", "bert-classification"})
  void stepsOfTrainingAnAdapterAreThoseOfPeft(String name) {
    ParityCase parity = any(name);
    TunedModel tuned = parity.adapted();

    List<StepResult> steps = steps(parity, tuned.graph(), tuned.weights());

    assertSteps(steps, parity.floats("adapter_losses"), parity.floats("adapter_gradient_norms"));
  }

  /** Padding is compared where there is one row of numbers for a sequence, and else left out. */
  private static void assertRealPositions(ParityCase parity, float[] found, float[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    boolean each = parity.task() instanceof Task.Generation;
    int row = found.length / parity.rows();
    for (int i = 0; i < parity.rows(); i++) {
      int from = i * row;
      int to = from + (each ? row / parity.length() * parity.prompt(i).length : row);
      assertThat(Arrays.copyOfRange(found, from, to))
          .as("row %d", i)
          .containsExactly(Arrays.copyOfRange(expected, from, to), within((float) SAME));
    }
  }

  static void assertSteps(List<StepResult> steps, float[] losses, float[] norms) {
    assertThat(steps).hasSameSizeAs(Arrays.asList(box(losses)));
    for (int i = 0; i < losses.length; i++) {
      assertThat(steps.get(i).loss())
          .as("loss of step %d", i)
          .isCloseTo(losses[i], within(SAME_STEP));
      assertThat(steps.get(i).gradientNorm())
          .as("gradient norm of step %d", i)
          .isCloseTo(norms[i], within(SAME_STEP * norms[i]));
    }
  }

  private static Float[] box(float[] values) {
    Float[] boxed = new Float[values.length];
    Arrays.setAll(boxed, i -> values[i]);
    return boxed;
  }

  static ParityCase any(String name) {
    return ParityCase.GENERATION.contains(name)
        ? ParityCase.generation(name)
        : ParityCase.classification(name);
  }

  private static int[] best(Tensor logits) {
    float[] all = logits.floats();
    int[] best = new int[(int) logits.size(0)];
    for (int row = 0; row < best.length; row++) {
      int from = row * ParityCase.VOCABULARY;
      for (int id = 1; id < ParityCase.VOCABULARY; id++) {
        if (all[from + id] > all[from + best[row]]) {
          best[row] = id;
        }
      }
    }
    return best;
  }

  List<StepResult> steps(ParityCase parity, Graph graph, Weights weights) {
    MicroBatch batch = new MicroBatch(parity.batch(), 1);
    List<StepResult> results = new ArrayList<>();
    try (TrainableModel model = backend.compile(graph, weights, mode())) {
      for (int i = 0; i < 5; i++) {
        results.add(model.step(List.of(batch), new StepSettings(1e-2, 0)));
      }
    }
    return results;
  }

  private float[] output(ParityCase parity) {
    return output(parity, parity.graph(), parity.weights());
  }

  float[] output(ParityCase parity, Graph graph, Weights weights) {
    try (CompiledModel model = backend.compile(graph.forPrediction(), weights, Precision.F32)) {
      return model.predict(parity.batch()).get(Signature.OUTPUT).floats();
    }
  }

  private double loss(ParityCase parity) {
    try (TrainableModel model = backend.compile(parity.graph(), parity.weights(), mode())) {
      return model.loss(new MicroBatch(parity.batch(), 1));
    }
  }

  private static TrainingMode mode() {
    return new TrainingMode(Optimizer.adamW(0), Precision.F32, 1);
  }
}
