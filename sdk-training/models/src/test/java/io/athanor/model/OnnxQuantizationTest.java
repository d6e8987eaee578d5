package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import io.athanor.model.format.onnx.RuntimeModel;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trained classifier decides in 8 bits as it does in single precision. */
class OnnxQuantizationTest {
  private static final int ROWS = 40;
  private static final int LENGTH = 6;
  private static final double LARGEST_CHANGE = 0.1;
  private static final Signature TEXT =
      new Signature(
          List.of(new Feature.Tokens("body", 12, 9)),
          new Task.Classification("label", List.of("no", "yes")));

  @TempDir Path folder;

  @Test
  void aTrainedEncoderGivesTheSameAnswers() {
    Architecture encoder =
        Models.textClassifier().layers(1).size(16).heads(2).feedForward(32).dropout(0);
    Graph graph = encoder.graph(TEXT);
    MicroBatch seen = new MicroBatch(texts(1), ROWS);
    Map<String, Tensor> unseen = texts(2);
    float[] expected;
    Weights weights;
    TrainingMode mode = new TrainingMode(Optimizer.adam(), Precision.F32, 1);
    try (Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());
        TrainableModel model = reference.compile(graph, encoder.weights(graph, 7), mode)) {
      for (int step = 0; step < 80; step++) {
        model.step(List.of(seen), new StepSettings(0.01, 1));
      }
      expected = model.predict(unseen).get(Signature.OUTPUT).floats();
      weights = model.weights();
    }
    OnnxModel.write(folder.resolve("single.onnx"), graph, weights, OnnxPrecision.F32);
    OnnxModel.write(folder.resolve("eight.onnx"), graph, weights, OnnxPrecision.INT8);

    float[] single = predict(folder.resolve("single.onnx"), unseen);
    float[] eight = predict(folder.resolve("eight.onnx"), unseen);

    assertThat(RuntimeModel.difference(expected, single)).isLessThan(1e-4);
    assertThat(RuntimeModel.difference(expected, eight)).isBetween(1e-4, LARGEST_CHANGE);
    long[] labels = unseen.get(Signature.TARGET).longs();
    int right = 0;
    for (int row = 0; row < ROWS; row++) {
      boolean yes = expected[2 * row + 1] > expected[2 * row];
      assertThat(eight[2 * row + 1] > eight[2 * row]).isEqualTo(yes);
      right += yes == (labels[row] == 1) ? 1 : 0;
    }
    assertThat(right).isGreaterThanOrEqualTo(ROWS * 9 / 10);
  }

  private static float[] predict(Path file, Map<String, Tensor> texts) {
    try (RuntimeModel model = RuntimeModel.open(file)) {
      return model.predict(texts).get(Signature.OUTPUT).floats();
    }
  }

  /** Word 1 decides; texts have three words or more. */
  private static Map<String, Tensor> texts(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] ids = new long[ROWS * LENGTH];
    float[] mask = new float[ROWS * LENGTH];
    long[] labels = new long[ROWS];
    for (int row = 0; row < ROWS; row++) {
      int words = 3 + random.nextInt(LENGTH - 2);
      for (int t = 0; t < words; t++) {
        ids[row * LENGTH + t] = 2 + random.nextInt(10);
        mask[row * LENGTH + t] = 1;
      }
      labels[row] = row % 2;
      if (labels[row] == 1) {
        ids[row * LENGTH + random.nextInt(words)] = 1;
      }
    }
    return Map.of(
        "body",
        Tensor.ofLongs(ids, ROWS, LENGTH),
        "body.mask",
        Tensor.ofFloats(mask, ROWS, LENGTH),
        Signature.TARGET,
        Tensor.ofLongs(labels, ROWS));
  }
}
