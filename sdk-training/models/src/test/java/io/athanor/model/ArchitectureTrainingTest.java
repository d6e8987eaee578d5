package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.model.arch.TextEncoder;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ArchitectureTrainingTest {
  private static final int ROWS = 24;
  private static final Task TASK = new Task.Classification("label", List.of("no", "yes"));
  private static final Signature TEXT =
      new Signature(List.of(new Feature.Tokens("body", 12, 9)), TASK);

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  static Stream<Arguments> textModels() {
    TextEncoder encoder = Models.textClassifier().layers(1).size(8).heads(2).feedForward(16);
    return Stream.of(
            Models.bagOfWords().embeddingSize(6).hidden(8).dropout(0),
            Models.lstm(8).embeddingSize(6).dropout(0),
            Models.lstm(6, 5).pooling(SequencePool.Kind.LAST).embeddingSize(6).dropout(0),
            Models.gru(8).pooling(SequencePool.Kind.MEAN).embeddingSize(6).dropout(0),
            encoder.dropout(0),
            encoder.dropout(0).norm(TextEncoder.Norm.POST),
            encoder.dropout(0).positions(TextEncoder.Positions.ROTARY))
        .map(model -> Arguments.of(model.name() + " " + model.config(), model));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("textModels")
  void paddingDoesNotChangeTheResult(String name, Architecture model) {
    Graph graph = model.graph(TEXT).forPrediction();
    Weights weights = model.weights(graph, 4);
    try (CompiledModel compiled = backend.compile(graph, weights, Precision.F32)) {
      float[] alone =
          compiled
              .predict(text(new long[] {3, 7, 1, 9}, new float[] {1, 1, 1, 1}, 1, 4))
              .get(Signature.OUTPUT)
              .floats();
      float[] padded =
          compiled
              .predict(
                  text(
                      new long[] {3, 7, 1, 9, 0, 0, 0, 5, 6, 2, 8, 4, 11, 10},
                      new float[] {1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1},
                      2,
                      7))
              .get(Signature.OUTPUT)
              .floats();

      assertThat(padded).hasSize(4);
      for (int i = 0; i < 2; i++) {
        assertThat(padded[i]).isCloseTo(alone[i], within(1e-5f));
      }
      assertThat(padded[2]).isNotCloseTo(alone[0], within(1e-6f));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("textModels")
  void aTextModelLearnsWhichWordDecides(String name, Architecture model) {
    SplittableRandom random = new SplittableRandom(1);
    int length = 6;
    long[] ids = new long[ROWS * length];
    float[] mask = new float[ROWS * length];
    long[] labels = new long[ROWS];
    for (int row = 0; row < ROWS; row++) {
      int words = 3 + random.nextInt(length - 2);
      for (int t = 0; t < words; t++) {
        ids[row * length + t] = 2 + random.nextInt(10);
        mask[row * length + t] = 1;
      }
      labels[row] = row % 2;
      if (labels[row] == 1) {
        ids[row * length + random.nextInt(words)] = 1;
      }
    }
    Map<String, Tensor> batch =
        Map.of(
            "body",
            Tensor.ofLongs(ids, ROWS, length),
            "body.mask",
            Tensor.ofFloats(mask, ROWS, length),
            Signature.TARGET,
            Tensor.ofLongs(labels, ROWS));

    learns(model, TEXT, batch, labels);
  }

  @Test
  void aPerceptronLearnsExclusiveOr() {
    float[] numbers = {0, 0, 0, 1, 1, 0, 1, 1};
    long[] labels = {0, 1, 1, 0};
    Signature signature = new Signature(List.of(new Feature.Vector("features", 2)), TASK);

    learns(
        Models.mlp(16),
        signature,
        Map.of(
            "features",
            Tensor.ofFloats(numbers, 4, 2),
            Signature.TARGET,
            Tensor.ofLongs(labels, 4)),
        labels);
  }

  @Test
  void aConvolutionalNetworkTellsUprightFromLyingStrokes() {
    float[] pixels = new float[ROWS * 36];
    long[] labels = new long[ROWS];
    SplittableRandom random = new SplittableRandom(2);
    for (int row = 0; row < ROWS; row++) {
      labels[row] = row % 2;
      int at = random.nextInt(6);
      for (int i = 0; i < 6; i++) {
        pixels[row * 36 + (labels[row] == 0 ? at * 6 + i : i * 6 + at)] = 1;
      }
    }
    Signature signature = new Signature(List.of(new Feature.Image("picture", 1, 6, 6)), TASK);

    learns(
        Models.cnn(6),
        signature,
        Map.of(
            "picture",
            Tensor.ofFloats(pixels, ROWS, 1, 6, 6),
            Signature.TARGET,
            Tensor.ofLongs(labels, ROWS)),
        labels);
  }

  @Test
  void aRegressionLearnsALine() {
    float[] numbers = {-1, 0, 1, 2};
    float[] targets = {-2.5f, -0.5f, 1.5f, 3.5f};
    Signature signature =
        new Signature(List.of(new Feature.Vector("x", 1)), new Task.Regression("y"));
    Graph graph = Models.mlp().graph(signature);
    MicroBatch batch =
        new MicroBatch(
            Map.of(
                "x",
                Tensor.ofFloats(numbers, 4, 1),
                Signature.TARGET,
                Tensor.ofFloats(targets, 4, 1)),
            4);
    TrainingMode mode = new TrainingMode(Optimizer.sgd(0), Precision.F32, 1);
    try (TrainableModel model = backend.compile(graph, Weights.initialize(graph, 1), mode)) {
      for (int step = 0; step < 100; step++) {
        model.step(List.of(batch), new StepSettings(0.2, 0));
      }
      assertThat(model.weights().tensor("classifier.weight").floats()[0])
          .isCloseTo(2, within(1e-3f));
      assertThat(model.weights().tensor("classifier.bias").floats()[0])
          .isCloseTo(-0.5f, within(1e-3f));
    }
  }

  private void learns(
      Architecture architecture, Signature signature, Map<String, Tensor> batch, long[] labels) {
    Graph graph = architecture.graph(signature);
    TrainingMode mode = new TrainingMode(Optimizer.adam(), Precision.F32, 1);
    List<MicroBatch> batches = List.of(new MicroBatch(batch, labels.length));
    try (TrainableModel model = backend.compile(graph, architecture.weights(graph, 7), mode)) {
      double first = model.loss(batches.get(0));
      for (int step = 0; step < 120; step++) {
        model.step(batches, new StepSettings(0.03, 1));
      }
      assertThat(first).isGreaterThan(0.4);
      assertThat(model.loss(batches.get(0))).isLessThan(0.1);
      float[] logits = model.predict(batch).get(Signature.OUTPUT).floats();
      for (int row = 0; row < labels.length; row++) {
        assertThat(logits[2 * row + 1] > logits[2 * row]).isEqualTo(labels[row] == 1);
      }
    }
  }

  private static Map<String, Tensor> text(long[] ids, float[] mask, int rows, int length) {
    return Map.of(
        "body", Tensor.ofLongs(ids, rows, length),
        "body.mask", Tensor.ofFloats(mask, rows, length));
  }
}
