package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static io.athanor.tck.BackendUnderTest.compiled;
import static io.athanor.tck.BackendUnderTest.trainable;
import static io.athanor.tck.BackendUnderTest.training;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Whole graphs predict as the reference does, whatever the sizes. */
interface PredictionContract extends BackendUnderTest {
  @TestFactory
  default Stream<DynamicTest> everyArchitecturePredictsAsTheReference() {
    assertThat(TinyGraphs.all()).hasSize(6);
    return TinyGraphs.all().stream()
        .map(
            graph ->
                DynamicTest.dynamicTest(graph.name(), () -> predictsAsTheReference(graph, 1e-4)));
  }

  private void predictsAsTheReference(Graph graph, double tolerance) {
    Weights weights = Weights.initialize(graph, 5);
    try (CompiledModel expected = compiled(reference(), graph, weights);
        CompiledModel actual = compiled(backend(), graph, weights)) {
      int[][] sizes = {{3, 4}, {1, 1}, {5, 2}, {2, 9}, {3, 4}};
      for (int[] size : sizes) {
        Map<String, Tensor> inputs = TinyGraphs.batch(graph, size[0], size[1], 8).tensors();
        assertAgree(expected.predict(inputs), actual.predict(inputs), tolerance);
      }
    }
  }

  @Test
  default void furtherEntriesAreIgnored() {
    Graph graph = TinyGraphs.mlp();
    Map<String, Tensor> inputs = new HashMap<>(TinyGraphs.batch(graph, 2, 1, 3).tensors());
    inputs.remove("label");
    try (CompiledModel model = compiled(backend(), graph, Weights.initialize(graph, 1))) {
      Map<String, Tensor> plain = model.predict(inputs);
      inputs.put("nobody asked for this", Tensor.ofLongs(new long[] {1, 2, 3}, 3));

      assertThat(model.predict(inputs)).isEqualTo(plain);
    }
  }

  @Test
  default void tensorsMayLieAnywhereInMemory() {
    Graph graph = TinyGraphs.mlp();
    Tensor direct = Weights.of(TinyGraphs.batch(graph, 2, 1, 3).tensors()).tensor("x");
    ByteBuffer larger = ByteBuffer.allocate(3 + direct.bytes().remaining() + 5);
    larger.position(3).put(direct.bytes()).flip().position(3);
    Tensor onHeap = Tensor.of(direct.dtype(), larger, direct.shape());
    try (CompiledModel model = compiled(backend(), graph, Weights.initialize(graph, 1))) {
      assertThat(model.predict(Map.of("x", onHeap))).isEqualTo(model.predict(Map.of("x", direct)));
    }
  }

  @Test
  default void severalThreadsCompileAndPredictAtOnce() {
    Graph graph = TinyGraphs.textEncoder(0);
    Weights weights = Weights.initialize(graph, 1);
    Map<String, Tensor> inputs = TinyGraphs.batch(graph, 3, 4, 8).tensors();
    try (CompiledModel alone = compiled(reference(), graph, weights)) {
      List<CompletableFuture<Map<String, Tensor>>> answers =
          Stream.generate(
                  () ->
                      CompletableFuture.supplyAsync(
                          () -> {
                            try (CompiledModel model = compiled(backend(), graph, weights)) {
                              return model.predict(inputs);
                            }
                          }))
              .limit(8)
              .toList();

      assertThat(answers).hasSize(8);
      answers.forEach(answer -> assertAgree(alone.predict(inputs), answer.join(), 1e-4));
    }
  }

  @Test
  default void trainedModelPredictsAsOneCompiledFromItsWeights() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.cnn();
    MicroBatch batch = TinyGraphs.batch(graph, 4, 1, 2);
    try (TrainableModel trained =
        trainable(backend(), graph, Weights.initialize(graph, 1), Optimizer.adam())) {
      trained.step(List.of(batch), BackendUnderTest.rate(0.05));
      try (CompiledModel fresh = compiled(backend(), graph, trained.weights())) {
        assertAgree(fresh.predict(batch.tensors()), trained.predict(batch.tensors()), 1e-5);
      }
    }
  }

  @TestFactory
  default Stream<DynamicTest> precisionsWorkOrAreRefusedWithReasonAndRemedy() {
    return Stream.of(Precision.BF16, Precision.F16)
        .map(p -> DynamicTest.dynamicTest(p.name(), () -> worksOrIsRefused(p)));
  }

  private void worksOrIsRefused(Precision precision) {
    boolean claimed = backend().capabilities().contains(Capability.valueOf(precision.name()));
    int checked = 0;
    for (Graph graph : TinyGraphs.all()) {
      Weights weights = Weights.initialize(graph, 5);
      if (claimed) {
        Map<String, Tensor> inputs = TinyGraphs.batch(graph, 3, 4, 8).tensors();
        try (CompiledModel expected = compiled(reference(), graph, weights);
            CompiledModel actual = backend().compile(graph, weights, precision)) {
          assertAgree(expected.predict(inputs), actual.predict(inputs), 2e-2);
        }
      } else {
        assertRefused(backend().check(graph, precision));
        assertThatThrownBy(() -> backend().compile(graph, weights, precision))
            .isInstanceOf(UnsupportedException.class)
            .hasMessageContaining(precision.name());
        TrainingMode mode = new TrainingMode(Optimizer.adam(), precision, 1);
        assertRefused(backend().check(graph, mode));
        assertThatThrownBy(() -> backend().compile(graph, weights, mode))
            .isInstanceOf(UnsupportedException.class);
      }
      checked++;
    }
    assertThat(checked).isEqualTo(6);
  }

  private static void assertRefused(Support support) {
    assertThat(support)
        .isInstanceOfSatisfying(
            Support.Unsupported.class,
            no -> {
              assertThat(no.reason()).isNotBlank();
              assertThat(no.remedy()).isNotBlank();
            });
  }

  @Test
  default void doesNotTrainWithoutTheClaim() {
    boolean trains = backend().capabilities().contains(Capability.TRAIN);
    Support support = backend().check(TinyGraphs.mlp(), training(Optimizer.adam()));
    if (trains) {
      assertThat(support).isEqualTo(new Support.Supported());
    } else {
      assertRefused(support);
    }
  }
}
