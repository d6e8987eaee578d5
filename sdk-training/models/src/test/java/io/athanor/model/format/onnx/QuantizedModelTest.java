package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.fixture.TinyQuantized;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Models with matrices of 8 bits in ONNX Runtime. */
class QuantizedModelTest {
  private final Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir Path folder;

  static List<TinyQuantized> models() {
    return TinyQuantized.all();
  }

  @ParameterizedTest
  @MethodSource("models")
  void predictsAsTheReferenceInBothPrecisions(TinyQuantized model) throws IOException {
    Graph graph = model.graph().forPrediction();
    Map<String, Tensor> inputs = TinyGraphs.batch(graph, 3, 4, 8).tensors();
    Path wide = folder.resolve("wide.onnx");
    Path small = folder.resolve("small.onnx");
    OnnxModel.write(wide, model.graph(), model.weights(), OnnxPrecision.F32);
    OnnxModel.write(small, model.graph(), model.weights(), OnnxPrecision.INT8);

    try (CompiledModel judge = reference.compile(graph, model.weights(), Precision.F32)) {
      float[] expected = Weights.of(judge.predict(inputs)).tensor("y").floats();
      assertThat(difference(expected, wide, inputs)).isLessThan(1e-4);
      assertThat(difference(expected, small, inputs)).isLessThan(2e-2);
    }
    if (graph.parameterCount() > 4096) {
      assertThat(Files.size(small)).isLessThan(Files.size(wide) / 2);
    }
  }

  /** The largest one, as a share of the largest expected number or of 1. */
  private static double difference(float[] expected, Path file, Map<String, Tensor> inputs) {
    double largest = 1;
    double apart = 0;
    try (RuntimeModel model = RuntimeModel.open(file)) {
      float[] actual = Weights.of(model.predict(inputs)).tensor("y").floats();
      assertThat(actual).hasSameSizeAs(expected);
      for (int i = 0; i < expected.length; i++) {
        largest = Math.max(largest, Math.abs((double) expected[i]));
        apart = Math.max(apart, Math.abs((double) expected[i] - actual[i]));
      }
    }
    return apart / largest;
  }
}
