package io.athanor.tck;

import static io.athanor.tck.BackendUnderTest.compiled;
import static io.athanor.tck.BackendUnderTest.rate;
import static io.athanor.tck.BackendUnderTest.trainable;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.fixture.TinyLanguageModels;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What does not fit is refused by name, and does no harm. */
interface RejectionContract extends BackendUnderTest {
  /**
   * An input that does not fit.
   *
   * @param name the input to blame
   * @param tensor what is put in its place; none to leave it out
   * @param message what the message must contain
   */
  record Misfit(String name, List<Tensor> tensor, String message) {}

  private static Tensor ids(long second, long... shape) {
    long[] values = new long[(int) Tensor.elements(shape)];
    values[1] = second;
    return Tensor.ofLongs(values, shape);
  }

  private static List<Misfit> misfits() {
    return List.of(
        new Misfit("ids", List.of(), "ids"),
        new Misfit("mask", List.of(), "mask"),
        new Misfit("ids", List.of(Tensor.ofFloats(new float[6], 2, 3)), "F32"),
        new Misfit("mask", List.of(ids(1, 2, 3)), "I64"),
        new Misfit("ids", List.of(ids(1, 6)), "[6]"),
        new Misfit("mask", List.of(Tensor.ofFloats(new float[6], 3, 2)), "2"),
        new Misfit("mask", List.of(Tensor.ofFloats(new float[9], 3, 3)), "3"),
        new Misfit("ids", List.of(Tensor.ofLongs(new long[0], 0, 3)), "ids"),
        new Misfit("ids", List.of(Tensor.ofLongs(new long[0], 2, 0)), "ids"),
        new Misfit("ids", List.of(ids(TinyGraphs.VOCABULARY, 2, 3)), "11"),
        new Misfit("ids", List.of(ids(-1, 2, 3)), "-1"),
        new Misfit("ids", List.of(ids(Long.MAX_VALUE, 2, 3)), "11"));
  }

  private static Map<String, Tensor> with(MicroBatch good, String name, List<Tensor> tensor) {
    Map<String, Tensor> tensors = new HashMap<>(good.tensors());
    tensors.remove(name);
    tensor.forEach(t -> tensors.put(name, t));
    return tensors;
  }

  @TestFactory
  default Stream<DynamicTest> misfitInputsAreRefusedWhenPredicting() {
    Graph graph = TinyGraphs.textEncoder(0);
    assertThat(misfits()).hasSize(12);
    return misfits().stream()
        .map(
            misfit ->
                DynamicTest.dynamicTest(
                    misfit.toString(),
                    () -> {
                      try (CompiledModel model =
                          compiled(backend(), graph, Weights.initialize(graph, 1))) {
                        refusesAndGoesOn(graph, misfit, model::predict);
                      }
                    }));
  }

  private static void refusesAndGoesOn(
      Graph graph, Misfit misfit, Consumer<Map<String, Tensor>> use) {
    MicroBatch good = TinyGraphs.batch(graph, 2, 3, 1);
    assertThatThrownBy(() -> use.accept(with(good, misfit.name(), misfit.tensor())))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'" + misfit.name() + "'")
        .hasMessageContaining(misfit.message());
    assertThatCode(() -> use.accept(good.tensors())).doesNotThrowAnyException();
  }

  @TestFactory
  default Stream<DynamicTest> misfitInputsAreRefusedInTraining() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.textEncoder(0);
    List<Misfit> misfits = new ArrayList<>(misfits());
    misfits.add(new Misfit("label", List.of(), "label"));
    misfits.add(new Misfit("label", List.of(Tensor.ofLongs(new long[3], 3)), "3"));
    misfits.add(new Misfit("label", List.of(ids(TinyGraphs.CLASSES, 2)), "3"));
    misfits.add(new Misfit("label", List.of(ids(-1, 2)), "-1"));
    return misfits.stream()
        .map(
            misfit ->
                DynamicTest.dynamicTest(
                    misfit.toString(),
                    () -> {
                      try (TrainableModel model =
                          trainable(
                              backend(), graph, Weights.initialize(graph, 1), Optimizer.adam())) {
                        TrainingState before = model.state();
                        refused(graph, misfit, tensors -> model.loss(new MicroBatch(tensors, 1)));
                        refused(
                            graph, misfit, tensors -> model.gradients(new MicroBatch(tensors, 1)));
                        refused(
                            graph,
                            misfit,
                            tensors ->
                                model.step(
                                    List.of(
                                        TinyGraphs.batch(graph, 2, 3, 5),
                                        new MicroBatch(tensors, 1)),
                                    rate(0.1)));
                        assertThat(model.state()).isEqualTo(before);
                        refusesAndGoesOn(
                            graph,
                            misfit,
                            tensors -> model.step(List.of(new MicroBatch(tensors, 1)), rate(0.1)));
                      }
                    }));
  }

  private static void refused(Graph graph, Misfit misfit, Consumer<Map<String, Tensor>> use) {
    MicroBatch good = TinyGraphs.batch(graph, 2, 3, 1);
    assertThatThrownBy(() -> use.accept(with(good, misfit.name(), misfit.tensor())))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'" + misfit.name() + "'")
        .hasMessageContaining(misfit.message());
  }

  @Test
  default void everyRowsAdapterMustExist() {
    Graph graph = TinyLanguageModels.adapters().forPrediction();
    Tensor tokens = Tensor.ofLongs(new long[] {1, 2, 3, 4}, 2, 2);
    try (CompiledModel model = compiled(backend(), graph, Weights.initialize(graph, 1))) {
      for (long adapter : new long[] {-1, TinyLanguageModels.ADAPTERS, Long.MAX_VALUE}) {
        Map<String, Tensor> inputs = Map.of("tokens", tokens, "adapter", ids(adapter, 2));
        assertThatThrownBy(() -> model.predict(inputs))
            .isInstanceOf(GraphException.class)
            .hasMessageContaining("'adapter'")
            .hasMessageContaining("below " + TinyLanguageModels.ADAPTERS)
            .hasMessageContaining("got " + adapter);
      }
    }
  }

  @Test
  default void stepWithoutMicroBatchesIsRefused() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.mlp();
    try (TrainableModel model =
        trainable(backend(), graph, Weights.initialize(graph, 1), Optimizer.adam())) {
      assertThatThrownBy(() -> model.step(List.of(), rate(0.1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("microBatches");
    }
  }

  @TestFactory
  default Stream<DynamicTest> weightsThatDoNotFitAreRefused() {
    Graph graph = TinyGraphs.mlp();
    Map<String, Tensor> good = Weights.initialize(graph, 1).tensors();
    Map<String, Tensor> missing = new HashMap<>(good);
    missing.remove("head.bias");
    Map<String, Tensor> misshapen = new HashMap<>(good);
    misshapen.put("head.bias", Tensor.ofFloats(new float[4], 4));
    Map<String, Tensor> integers = new HashMap<>(good);
    integers.put("head.bias", Tensor.ofLongs(new long[3], 3));
    Map<String, Tensor> halves = new HashMap<>(good);
    halves.put("head.bias", Tensor.of(DType.BF16, Tensor.allocate(DType.BF16, 3), 3));
    return Map.of(
            "missing", missing, "misshapen", misshapen, "integers", integers, "halves", halves)
        .entrySet()
        .stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(), () -> refusesWeights(graph, Weights.of(entry.getValue()))));
  }

  private void refusesWeights(Graph graph, Weights weights) {
    assertThatThrownBy(() -> compiled(backend(), graph, weights))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("head.bias");
    if (backend().capabilities().contains(Capability.TRAIN)) {
      assertThatThrownBy(() -> trainable(backend(), graph, weights, Optimizer.adam()))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("head.bias");
    }
  }

  @Test
  default void graphWithoutLossIsNotTrained() {
    assumeClaims(Capability.TRAIN);
    Graph graph = TinyGraphs.mlp().forPrediction();
    assertThatThrownBy(
            () -> trainable(backend(), graph, Weights.initialize(graph, 1), Optimizer.adam()))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("tiny-mlp")
        .hasMessageContaining("loss");
  }

  @Test
  default void batchNormOfOneElementPerChannelNamesTheLayer() {
    assumeClaims(Capability.TRAIN);
    GraphBuilder g = Graph.builder("lonely");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(3)));
    Value y = g.batchNorm("norm", g.linear("line", x, 2));
    Value target = g.target("target", y.type());
    Graph graph = g.output("y", y).loss(g.meanSquaredError(y, target)).build();
    try (TrainableModel model =
        trainable(backend(), graph, Weights.initialize(graph, 1), Optimizer.adam())) {
      assertThatThrownBy(() -> model.step(List.of(TinyGraphs.batch(graph, 1, 1, 1)), rate(0.1)))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("'norm'");
      assertThatCode(() -> model.step(List.of(TinyGraphs.batch(graph, 2, 1, 1)), rate(0.1)))
          .doesNotThrowAnyException();
    }
  }

  @Test
  default void closedModelsSaySo() {
    Graph graph = TinyGraphs.mlp();
    Weights weights = Weights.initialize(graph, 1);
    MicroBatch batch = TinyGraphs.batch(graph, 2, 1, 1);
    CompiledModel compiled = compiled(backend(), graph, weights);
    compiled.close();
    assertThatCode(compiled::close).doesNotThrowAnyException();
    assertClosed(() -> compiled.predict(batch.tensors()));
    if (!backend().capabilities().contains(Capability.TRAIN)) {
      return;
    }
    TrainableModel trainable = trainable(backend(), graph, weights, Optimizer.adam());
    TrainingState state = trainable.state();
    trainable.close();
    assertThatCode(trainable::close).doesNotThrowAnyException();
    assertClosed(() -> trainable.predict(batch.tensors()));
    assertClosed(() -> trainable.step(List.of(batch), rate(0.1)));
    assertClosed(() -> trainable.loss(batch));
    assertClosed(() -> trainable.gradients(batch));
    assertClosed(trainable::weights);
    assertClosed(trainable::state);
    assertClosed(() -> trainable.restore(state));
  }

  @Test
  default void closedBackendsSaySo() {
    Graph graph = TinyGraphs.mlp();
    Backend backend = another();
    backend.close();
    assertThatCode(backend::close).doesNotThrowAnyException();
    assertClosed(() -> compiled(backend, graph, Weights.initialize(graph, 1)));
  }

  /** One more backend, to be closed by the caller. */
  Backend another();

  private static void assertClosed(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
