package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LearningTest {
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = new Dl4jBackendProvider().open(BackendOptions.defaults().withThreads(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  /** Random numbers of an input {@code x}, those of each label around a level of its own. */
  private static MicroBatch levels(Graph graph, int rows, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new HashMap<>();
    long[] labels = random.longs(rows, 0, TinyGraphs.CLASSES).toArray();
    Map<String, Long> sizes = Map.of("batch", (long) rows, "sequence", (long) length);
    for (Input input : graph.inputs()) {
      long[] shape = input.type().shape().resolve(sizes);
      if (input.name().equals("label")) {
        tensors.put("label", Tensor.ofLongs(labels, rows));
      } else {
        float[] values = new float[(int) Tensor.elements(shape)];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (labels[i * rows / values.length] - 1 + 0.3 * random.nextGaussian());
        }
        tensors.put(input.name(), Tensor.ofFloats(values, shape));
      }
    }
    return new MicroBatch(tensors, rows);
  }

  private static TrainableModel training(Graph graph, Optimizer optimizer) {
    return backend.compile(
        graph, Weights.initialize(graph, 1), new TrainingMode(optimizer, Precision.F32, 7));
  }

  private static void learns(Graph graph, Optimizer optimizer, double rate, int steps) {
    try (TrainableModel model = training(graph, optimizer)) {
      MicroBatch unseen = levels(graph, 32, 4, 1_000_000);
      double before = model.loss(unseen);
      for (int i = 0; i < steps; i++) {
        model.step(List.of(levels(graph, 16, 4, i)), new StepSettings(rate, 1));
      }
      double after = model.loss(unseen);
      assertThat(before).isGreaterThan(0.5);
      assertThat(after).isLessThan(0.15);

      Map<String, Tensor> inputs = unseen.tensors();
      try (CompiledModel compiled = backend.compile(graph, model.weights(), Precision.F32)) {
        assertThat(compiled.predict(inputs)).isEqualTo(model.predict(inputs));
      }
    }
  }

  @Test
  void mlpLearnsLevels() {
    learns(TinyGraphs.mlp(), Optimizer.adam(), 0.05, 40);
  }

  @Test
  void cnnLearnsLevels() {
    learns(TinyGraphs.cnn(), Optimizer.adamW(0.01), 0.05, 40);
  }

  @Test
  void trainingPrintsNothing() {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try (TrainableModel model = training(TinyGraphs.regression(), Optimizer.adam())) {
      model.step(
          List.of(TinyGraphs.batch(TinyGraphs.regression(), 3, 1, 1)), new StepSettings(0.1, 0));
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
  }

  @Test
  void stepsFreeTheMemoryTheyUse() {
    Graph graph = TinyGraphs.mlp();
    MicroBatch large = levels(graph, 20_000, 1, 1);
    try (TrainableModel model = training(graph, Optimizer.sgd(0))) {
      model.step(List.of(large), new StepSettings(0.01, 0));
      long before = Pointer.physicalBytes();
      for (int i = 0; i < 12; i++) {
        model.step(List.of(large), new StepSettings(0.01, 0));
      }
      // Eight hidden values of each row in a dozen arrays: some 8 MB a step.
      assertThat(Pointer.physicalBytes() - before).isLessThan(40_000_000L);
    }
  }

  @Test
  void moreSizesThanAreKeptGiveTheSameAnswersAgain() {
    Graph graph = TinyGraphs.regression();
    Map<Integer, Map<String, Tensor>> answers = new HashMap<>();
    try (CompiledModel model =
        backend.compile(graph, Weights.initialize(graph, 1), Precision.F32)) {
      for (int round = 0; round < 2; round++) {
        for (int rows = 1; rows <= Programs.KEPT + 4; rows++) {
          Map<String, Tensor> answer =
              model.predict(TinyGraphs.batch(graph, rows, 1, rows).tensors());
          Map<String, Tensor> first = answers.putIfAbsent(rows, answer);
          if (first != null) {
            assertThat(answer).isEqualTo(first);
          }
        }
      }
    }
    assertThat(answers).hasSize(Programs.KEPT + 4);
  }
}
