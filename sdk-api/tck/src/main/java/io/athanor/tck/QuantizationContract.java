package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static io.athanor.tck.BackendUnderTest.compiled;
import static io.athanor.tck.BackendUnderTest.training;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Support;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.fixture.TinyQuantized;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Layers with matrices of 8 bits predict as the reference does, and are not trained. */
interface QuantizationContract extends BackendUnderTest {
  /** Largest difference where an engine rounds what a product reads to 8 bits, too. */
  double ROUNDED = 2e-2;

  double EXACT = 1e-4;

  @TestFactory
  default Stream<DynamicTest> quantizedLayersPredictAsTheReference() {
    List<TinyQuantized> models = TinyQuantized.all();
    assertThat(models).hasSize(6);
    return models.stream()
        .map(model -> DynamicTest.dynamicTest(model.name(), () -> predictsAsTheReference(model)));
  }

  private void predictsAsTheReference(TinyQuantized model) {
    double tolerance = model.products() ? ROUNDED : EXACT;
    Widened wide = Widened.of(model.graph(), model.weights());
    try (CompiledModel expected = compiled(reference(), model.graph(), model.weights());
        CompiledModel widened = compiled(reference(), wide.graph(), wide.weights());
        CompiledModel actual = compiled(backend(), model.graph(), model.weights())) {
      for (int[] size : new int[][] {{3, 4}, {1, 1}, {40, 2}}) {
        Map<String, Tensor> inputs = TinyGraphs.batch(model.graph(), size[0], size[1], 8).tensors();
        assertAgree(expected.predict(inputs), actual.predict(inputs), tolerance);
        assertAgree(expected.predict(inputs), widened.predict(inputs), EXACT);
      }
    }
  }

  @Test
  default void rowOfQuantizedLayerDoesNotDependOnTheOthers() {
    TinyQuantized model = TinyQuantized.wide();
    float[] small = new float[TinyQuantized.WIDTH];
    float[] both = new float[2 * TinyQuantized.WIDTH];
    for (int i = 0; i < small.length; i++) {
      small[i] = (i % 7 - 3) * 1e-3f;
      both[i] = small[i];
      both[small.length + i] = (i % 5 - 2) * 1e3f;
    }
    try (CompiledModel compiled = compiled(backend(), model.graph(), model.weights())) {
      float[] alone = output(compiled, Tensor.ofFloats(small, 1, small.length));
      float[] together = output(compiled, Tensor.ofFloats(both, 2, small.length));

      assertThat(alone).isNotEqualTo(new float[alone.length]);
      for (int i = 0; i < alone.length; i++) {
        assertThat((double) together[i]).isCloseTo(alone[i], offset(1e-6));
      }
    }
  }

  private static float[] output(CompiledModel model, Tensor x) {
    return Weights.of(model.predict(Map.of("x", x))).tensor("y").floats();
  }

  @Test
  default void quantizedLayersAreNotTrained() {
    Graph graph = TinyQuantized.classifier().graph();
    Weights weights = TinyQuantized.classifier().weights();
    assertThat(graph.trainedParameterCount()).isPositive();

    assertThat(backend().check(graph, training(Optimizer.adam())))
        .isInstanceOfSatisfying(
            Support.Unsupported.class,
            no -> {
              assertThat(no.reason()).isNotBlank();
              assertThat(no.remedy()).isNotBlank();
            });
    assertThatThrownBy(() -> backend().compile(graph, weights, training(Optimizer.adam())))
        .isInstanceOf(UnsupportedException.class);
  }

  @Test
  default void matrixOfAnotherTypeThanItsParameterIsRefused() {
    TinyQuantized model = TinyQuantized.wide();
    Tensor floats = Widened.of(model.graph(), model.weights()).weights().tensor("layer.weight");
    Weights mixed = model.weights().with(Weights.of(Map.of("layer.weight", floats)));
    assertThat(floats.dtype()).isEqualTo(DType.F32);

    assertThatThrownBy(() -> compiled(backend(), model.graph(), mixed))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("layer.weight")
        .hasMessageContaining("I8");
  }
}
