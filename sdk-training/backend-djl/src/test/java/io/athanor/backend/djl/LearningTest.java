package io.athanor.backend.djl;

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
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LearningTest {
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @Test
  void mlpLearnsPoints() {
    learns(Nets.mlp(8, 32, 3, 0.1), Optimizer.adam(), 0.01, 150, s -> Nets.points(s, 32, 3, 8));
  }

  @Test
  void cnnLearnsImages() {
    learns(Nets.cnn(8, 8, 3), Optimizer.sgd(0.9), 0.05, 100, s -> Nets.points(s, 32, 3, 1, 8, 8));
  }

  @Test
  void lstmLearnsSequences() {
    learns(Nets.lstm(4, 16, 3), Optimizer.adam(), 0.02, 100, s -> Nets.points(s, 32, 3, 6, 4));
  }

  @Test
  void attentionEncoderLearnsToFindAWord() {
    learns(
        Nets.encoder(20, 16, 2, 2, 2, 0.1),
        Optimizer.adamW(0.01),
        0.005,
        400,
        s -> Nets.sentences(s, 32, 10, 20));
  }

  private static void learns(
      Graph graph, Optimizer optimizer, double rate, int steps, LongFunction<MicroBatch> data) {
    Weights first = Weights.initialize(graph, 1);
    try (TrainableModel model =
        backend.compile(graph, first, new TrainingMode(optimizer, Precision.F32, 7))) {
      MicroBatch unseen = data.apply(1_000_000);
      double before = model.loss(unseen);
      for (int i = 0; i < steps; i++) {
        model.step(List.of(data.apply(i)), new StepSettings(rate, 1));
      }
      double after = model.loss(unseen);
      assertThat(before).isGreaterThan(0.5);
      assertThat(after).isLessThan(0.1);

      Map<String, Tensor> inputs = unseen.tensors();
      try (CompiledModel compiled = backend.compile(graph, model.weights(), Precision.F32)) {
        assertThat(compiled.predict(inputs)).isEqualTo(model.predict(inputs));
      }
    }
  }
}
