package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ConcurrentTrainingTest {
  private static final Graph DROPPING = Nets.encoder(20, 16, 2, 2, 2, 0.3);
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private static TrainableModel model(long seed) {
    return backend.compile(
        DROPPING,
        Weights.initialize(DROPPING, 1),
        new TrainingMode(Optimizer.adamW(0.01), Precision.F32, seed));
  }

  private static TrainingState train(long seed, int steps) {
    try (TrainableModel model = model(seed)) {
      for (int i = 0; i < steps; i++) {
        model.step(List.of(Nets.sentences(i, 16, 8 + i % 3, 20)), new StepSettings(0.01, 1));
      }
      return model.state();
    }
  }

  @Test
  void trainingsWithDropoutSideBySideGiveTheBitsOfEachAlone() throws Exception {
    List<TrainingState> alone = List.of(train(1, 60), train(2, 60));
    assertThat(alone.get(0).weights()).isNotEqualTo(alone.get(1).weights());
    ExecutorService pool = Executors.newFixedThreadPool(2);
    try {
      CountDownLatch both = new CountDownLatch(2);
      List<Callable<TrainingState>> tasks = new ArrayList<>();
      for (long seed : new long[] {1, 2}) {
        tasks.add(
            () -> {
              both.countDown();
              both.await();
              return train(seed, 60);
            });
      }
      List<Future<TrainingState>> together = pool.invokeAll(tasks, 60, TimeUnit.SECONDS);
      assertThat(together.get(0).get()).isEqualTo(alone.get(0));
      assertThat(together.get(1).get()).isEqualTo(alone.get(1));
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void oneModelServesSeveralThreadsInTurn() throws Exception {
    Graph graph = Nets.mlp(8, 32, 3, 0);
    Map<String, Tensor> inputs = Nets.points(3, 32, 3, 8).tensors();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (CompiledModel model =
        backend.compile(graph, Weights.initialize(graph, 1), Precision.F32)) {
      Map<String, Tensor> expected = model.predict(inputs);
      List<Callable<Boolean>> tasks = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        tasks.add(() -> model.predict(inputs).equals(expected));
      }
      for (Future<Boolean> same : pool.invokeAll(tasks)) {
        assertThat(same.get()).isTrue();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void idsThatOnlyTheEngineSeesAreRefusedAndDoNoHarm() {
    GraphBuilder b = Graph.builder("sliced");
    Value ids = b.input("ids", TensorType.i64(Dim.BATCH, Dim.of(2)));
    Value x = b.embedding("table", b.slice(ids, 1, 1, 2), 5, 3, 1);
    Graph graph = b.output("x", x).build();
    try (CompiledModel model =
        backend.compile(graph, Weights.initialize(graph, 1), Precision.F32)) {
      Tensor good = Tensor.ofLongs(new long[] {99, 4}, 1, 2);
      Tensor bad = Tensor.ofLongs(new long[] {0, 5}, 1, 2);
      Map<String, Tensor> before = model.predict(Map.of("ids", good));
      assertThatThrownBy(() -> model.predict(Map.of("ids", bad)))
          .isInstanceOf(BackendException.class)
          .hasMessage(
              "Backend 'djl': an id lies outside the table it looks up; check the ids of the"
                  + " batch");
      assertThat(model.predict(Map.of("ids", good))).isEqualTo(before);
    }
  }

  @Test
  void sentencesLongerThanTheTableOfPositionsAreRefused() {
    MicroBatch longer = Nets.sentences(1, 2, 129, 20);
    try (TrainableModel model = model(1)) {
      assertThatThrownBy(() -> model.loss(longer))
          .isInstanceOf(GraphException.class)
          .hasMessage("At 'positions': expected at most 128 positions, got 129; cut the sequence");
    }
  }

  @Test
  void batchWithoutATargetThatCountsIsRefused() {
    Graph graph = Nets.mlp(8, 4, 3, 0);
    Tensor x = Nets.points(1, 2, 3, 8).tensors().get("x");
    MicroBatch ignored =
        new MicroBatch(Map.of("x", x, "y", Tensor.ofLongs(new long[] {-100, -100}, 2)), 1);
    try (TrainableModel model =
        backend.compile(
            graph,
            Weights.initialize(graph, 1),
            new TrainingMode(Optimizer.adam(), Precision.F32, 1))) {
      Weights before = model.weights();
      assertThatThrownBy(() -> model.step(List.of(ignored), new StepSettings(0.1, 0)))
          .isInstanceOf(GraphException.class)
          .hasMessage("At 'y': expected at least one target that counts, got only -100");
      assertThat(model.weights()).isEqualTo(before);
    }
  }
}
