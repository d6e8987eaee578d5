package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OnnxModelMetadata;
import ai.onnxruntime.OrtException;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.PretrainedModel;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.fixture.TinyLanguageModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxWriterTest {
  private static final ModelArtifact SPAM = TinyArtifacts.spam();

  @TempDir Path folder;

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static Map<String, Tensor> words(int rows, int length) {
    long[] ids = new long[rows * length];
    float[] mask = new float[rows * length];
    Arrays.setAll(ids, i -> i % 5);
    Arrays.fill(mask, 1);
    return Map.of(
        "body", Tensor.ofLongs(ids, rows, length),
        "body.mask", Tensor.ofFloats(mask, rows, length));
  }

  @Test
  void aModelSaysWhatItIs() throws OrtException {
    Path file = folder.resolve("spam.onnx");

    OnnxModel.write(file, SPAM, OnnxPrecision.F32);

    try (RuntimeModel model = RuntimeModel.open(file)) {
      OnnxModelMetadata metadata = model.session().getMetadata();
      assertThat(metadata.getProducerName()).isEqualTo("Athanor");
      assertThat(metadata.getGraphName()).isEqualTo("tiny-spam");
      assertThat(metadata.getCustomMetadata())
          .containsEntry("athanor.weights", SPAM.weightsDigest().hex())
          .containsEntry("athanor.task", "classification")
          .containsEntry("athanor.target", "label")
          .containsEntry("athanor.labels", "[\"ham\",\"spam\"]")
          .containsEntry("athanor.architecture", "tiny-spam")
          .hasEntrySatisfying(
              "athanor.encoding", text -> assertThat(text).contains("\"column\":\"body\""));
      assertThat(model.session().getInputNames()).containsExactlyInAnyOrder("body", "body.mask");
      assertThat(model.session().getOutputNames()).containsExactly(Signature.OUTPUT);
      assertThat(model.sizes("body")).containsExactly("batch", "sequence");
    }
    assertThat(folder).isDirectoryContaining("glob:**spam.onnx");
  }

  @Test
  void twoWritesGiveTheSameBytes() throws IOException {
    OnnxModel.write(folder.resolve("a.onnx"), SPAM, OnnxPrecision.F32);
    OnnxModel.write(folder.resolve("b.onnx"), SPAM, OnnxPrecision.F32);

    assertThat(folder.resolve("a.onnx")).hasSameBinaryContentAs(folder.resolve("b.onnx"));
  }

  @Test
  void weightsInHalfPrecisionBecomeSingleOnes() {
    Graph graph = line();
    short one = (short) 0x3c00;
    ByteBuffer half = Tensor.allocate(DType.F16, 2).putShort(0, one).putShort(2, one);
    Weights weights =
        Weights.of(
            Map.of(
                "line.weight",
                Tensor.of(DType.F16, half, 1, 2),
                "line.bias",
                Tensor.ofFloats(new float[] {0.5f}, 1)));
    OnnxModel.write(folder.resolve("half.onnx"), graph, weights, OnnxPrecision.F32);

    try (RuntimeModel model = RuntimeModel.open(folder.resolve("half.onnx"))) {
      Map<String, Tensor> x = Map.of("x", Tensor.ofFloats(new float[] {2, 3, 4, 5}, 2, 2));
      assertThat(model.predict(x).get("y").floats()).containsExactly(5.5f, 9.5f);
    }
  }

  private static Graph line() {
    GraphBuilder g = Graph.builder("line");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(2)));
    return g.output("y", g.linear("line", x, 1)).build();
  }

  @Test
  void largeWeightsGoToASecondFile() throws IOException {
    Graph graph = TinyLanguageModels.groupedKeys();
    Weights weights = Weights.initialize(graph, 1);
    Path file = folder.resolve("two.onnx");
    OnnxModel.write(folder.resolve("one.onnx"), graph, weights, OnnxPrecision.F32);

    OnnxModel.prepared(graph, weights, OnnxPrecision.F32, Map.of(), 10_000).writeTo(file);

    String data = "two.onnx." + weights.digest().hex().substring(0, 12) + "-f32.data";
    assertThat(files()).containsExactly("one.onnx", "two.onnx", data);
    assertThat(Files.size(file)).isLessThan(Files.size(folder.resolve("one.onnx")));
    Map<String, Tensor> tokens =
        Map.of("tokens", Tensor.ofLongs(new long[] {1, 5, 9, 2, 8, 3}, 2, 3));
    try (RuntimeModel one = RuntimeModel.open(folder.resolve("one.onnx"));
        RuntimeModel two = RuntimeModel.open(file)) {
      assertThat(two.predict(tokens)).isEqualTo(one.predict(tokens));
    }
  }

  @Test
  void aLossIsNoOutput() {
    GraphBuilder g = Graph.builder("loss");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(2)));
    Graph graph = g.output("y", g.meanSquaredError(x, g.linear("line", x, 2))).build();

    assertRefused(
        graph,
        Weights.initialize(graph, 1),
        OnnxPrecision.F32,
        "is a loss and belongs to training. Give out what the loss is computed from");
  }

  @Test
  void inputsAreInSinglePrecision() {
    GraphBuilder g = Graph.builder("half");
    Value x = g.input("x", new TensorType(DType.F16, line().type("x").shape()));
    Graph graph = g.output("y", g.scale(x, 2)).build();

    assertRefused(
        graph, Weights.of(Map.of()), OnnxPrecision.F32, "input 'x' is F16; models are written");
  }

  @Test
  void eightBitsNeedSomethingToKeepInThem() {
    GraphBuilder g = Graph.builder("scaled");
    Value x = g.input("x", TensorType.f32(Dim.BATCH));
    Graph graph = g.output("y", g.scale(x, 2)).build();

    assertRefused(
        graph,
        Weights.of(Map.of()),
        OnnxPrecision.INT8,
        "'scaled' has neither a linear layer nor an embedding. Write it as F32");
  }

  private void assertRefused(
      Graph graph, Weights weights, OnnxPrecision precision, String message) {
    assertThatThrownBy(() -> OnnxModel.write(folder.resolve("no.onnx"), graph, weights, precision))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(message);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void eightBitsHoldNoInfinity() {
    Graph graph = line();
    float[] broken = {1, Float.POSITIVE_INFINITY};
    Weights weights =
        Weights.initialize(graph, 1)
            .with(Weights.of(Map.of("line.weight", Tensor.ofFloats(broken, 1, 2))));

    assertThatThrownBy(
            () -> OnnxModel.write(folder.resolve("no.onnx"), graph, weights, OnnxPrecision.INT8))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("parameter 'line.weight' holds Infinity");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void weightsMustFit() {
    Weights wrong = Weights.of(Map.of("line.weight", Tensor.ofFloats(new float[3], 1, 3)));

    assertThatThrownBy(
            () -> OnnxModel.write(folder.resolve("no.onnx"), line(), wrong, OnnxPrecision.F32))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("expected floating-point weights of shape [1, 2]");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void troubleWithTheDiskLeavesNothingBehind() throws IOException {
    Files.createDirectories(folder.resolve("taken.onnx/inner"));

    for (long limit : new long[] {Integer.MAX_VALUE, 10_000}) {
      Graph graph = TinyLanguageModels.groupedKeys();
      assertThatThrownBy(
              () ->
                  OnnxModel.prepared(
                          graph, Weights.initialize(graph, 1), OnnxPrecision.F32, Map.of(), limit)
                      .writeTo(folder.resolve("taken.onnx")))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("taken.onnx: cannot be written");
      assertThat(files()).containsExactly("taken.onnx");
    }
  }

  @Test
  void anEncoderThatWasWrittenCanBeRead() {
    PretrainedModel origin = OnnxModel.read(OnnxModelTest.fixture("bert.onnx"));
    Pretrained model = Models.pretrained(origin);
    Signature signature =
        new Signature(
            List.of(new Feature.Tokens("body", words(origin), 8)),
            new Task.Embedding("pair", 0.05));
    Graph graph = model.graph(signature);
    OnnxModel.write(folder.resolve("bert.onnx"), graph, model.weights(graph, 1), OnnxPrecision.F32);

    PretrainedModel again = OnnxModel.read(folder.resolve("bert.onnx"));

    assertThat(again.config()).isEqualTo(origin.config());
    assertThat(again.tensors()).hasSize(graph.parameters().size());
    again
        .tensors()
        .forEach(
            (name, tensor) -> assertThat(tensor).as(name).isEqualTo(origin.tensors().get(name)));
  }

  private static int words(PretrainedModel model) {
    return ((Number) model.config().get("vocab_size")).intValue();
  }

  @Test
  void eightBitsAreAsNearAsTheyCanBe() {
    int in = 64;
    int out = 48;
    GraphBuilder g = Graph.builder("wide");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(in)));
    Graph graph = g.output("y", g.linear("wide", x, out)).build();
    SplittableRandom random = new SplittableRandom(1);
    float[] matrix = numbers(random, in * out);
    float[] bias = numbers(random, out);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("wide.weight", Tensor.ofFloats(matrix, out, in));
    tensors.put("wide.bias", Tensor.ofFloats(bias, out));
    OnnxModel.write(folder.resolve("wide.onnx"), graph, Weights.of(tensors), OnnxPrecision.INT8);

    List<Double> errors = new ArrayList<>();
    try (RuntimeModel model = RuntimeModel.open(folder.resolve("wide.onnx"))) {
      for (int rows : new int[] {1, 5}) {
        float[] values = numbers(random, rows * in);
        float[] y = model.predict(Map.of("x", Tensor.ofFloats(values, rows, in))).get("y").floats();
        for (int i = 0; i < rows; i++) {
          for (int j = 0; j < out; j++) {
            double exact = bias[j];
            double row = 0;
            double largest = 0;
            double inputs = 0;
            for (int k = 0; k < in; k++) {
              exact += values[i * in + k] * (double) matrix[j * in + k];
              row += Math.abs(matrix[j * in + k]);
              inputs += Math.abs(values[i * in + k]);
              largest = Math.max(largest, Math.abs(matrix[j * in + k]));
            }
            double half = largest / 127 / 2;
            float[] own = Arrays.copyOfRange(values, i * in, (i + 1) * in);
            double step = Math.max(max(own), -min(own)) / 127 / 2;
            double bound = step * row + half * inputs + in * half * step + 1e-4;
            double error = Math.abs(y[i * out + j] - exact);
            assertThat(error).isLessThan(bound);
            errors.add(error);
          }
        }
      }
    }
    assertThat(errors).hasSize(6 * out);
    assertThat(errors.stream().mapToDouble(e -> e).max().orElseThrow()).isGreaterThan(1e-4);
    assertThat(errors.stream().mapToDouble(e -> e).average().orElseThrow()).isLessThan(0.1);
  }

  @Test
  void eightBitsTakeAQuarterOfTheRoom() throws IOException {
    GraphBuilder g = Graph.builder("square");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(256)));
    Graph graph = g.output("y", g.linear("square", x, 256)).build();
    Weights weights = Weights.initialize(graph, 1);
    for (OnnxPrecision precision : OnnxPrecision.values()) {
      OnnxModel.write(folder.resolve(precision + ".onnx"), graph, weights, precision);
    }

    long matrix = 256 * 256;
    assertThat(Files.size(folder.resolve("F32.onnx"))).isBetween(4 * matrix, 4 * matrix + 2500);
    assertThat(Files.size(folder.resolve("INT8.onnx"))).isBetween(matrix, matrix + 5000);
  }

  /** The tied table is stored once. */
  @Test
  void embeddingsInEightBitsHaveAScaleForEachRow() throws IOException {
    int ids = 200;
    int size = 64;
    GraphBuilder g = Graph.builder("tied");
    Value tokens = g.input("tokens", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, ids, size, 1);
    Value logits = g.apply("head", new LayerOp.Linear("words.weight", null), x);
    Graph graph = g.output("vectors", x).output("logits", logits).build();
    Weights weights = Weights.initialize(graph, 4);
    float[] table = weights.tensor("words.weight").floats();
    Path file = folder.resolve("tied.onnx");

    OnnxModel.write(file, graph, weights, OnnxPrecision.INT8);

    assertThat(Files.size(file)).isLessThan(ids * size + 4 * ids + 4000L);
    long[] asked = {0, 199, 7, 7};
    try (RuntimeModel model = RuntimeModel.open(file)) {
      Map<String, Tensor> outputs = model.predict(Map.of("tokens", Tensor.ofLongs(asked, 2, 2)));
      float[] vectors = outputs.get("vectors").floats();
      for (int i = 0; i < asked.length; i++) {
        int from = (int) asked[i] * size;
        float[] row = Arrays.copyOfRange(table, from, from + size);
        double half = Math.max(max(row), -min(row)) / 127 / 2;
        for (int j = 0; j < size; j++) {
          assertThat((double) vectors[i * size + j])
              .isBetween(row[j] - half - 1e-6, row[j] + half + 1e-6);
        }
        float[] logit = Arrays.copyOfRange(outputs.get("logits").floats(), i * ids, (i + 1) * ids);
        assertThat(max(logit)).isEqualTo(logit[(int) asked[i]]);
      }
    }
  }

  @Test
  void inEightBitsARowDoesNotDependOnItsBatch() {
    GraphBuilder g = Graph.builder("rows");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(16)));
    Graph graph = g.output("y", g.linear("rows", x, 8)).build();
    OnnxModel.write(
        folder.resolve("rows.onnx"), graph, Weights.initialize(graph, 1), OnnxPrecision.INT8);
    float[] row = numbers(new SplittableRandom(2), 16);
    float[] batch = Arrays.copyOf(row, 48);
    Arrays.fill(batch, 16, 32, 1000);

    try (RuntimeModel model = RuntimeModel.open(folder.resolve("rows.onnx"))) {
      float[] alone = model.predict(Map.of("x", Tensor.ofFloats(row, 1, 16))).get("y").floats();
      float[] among = model.predict(Map.of("x", Tensor.ofFloats(batch, 3, 16))).get("y").floats();

      assertThat(Arrays.copyOf(among, 8)).isEqualTo(alone);
      assertThat(Arrays.copyOfRange(among, 16, 24))
          .isEqualTo(Weights.initialize(graph, 1).tensor("rows.bias").floats());
    }
  }

  private static float[] numbers(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double max(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, value);
    }
    return largest;
  }

  private static double min(float[] values) {
    double smallest = 0;
    for (float value : values) {
      smallest = Math.min(smallest, value);
    }
    return smallest;
  }

  @Test
  void aSpamFilterRunsInBatchesOfAnySize() {
    OnnxModel.write(folder.resolve("spam.onnx"), SPAM, OnnxPrecision.INT8);

    try (RuntimeModel model = RuntimeModel.open(folder.resolve("spam.onnx"))) {
      assertThat(model.predict(words(1, 3)).get(Signature.OUTPUT)).hasToString("F32[1, 2]");
      assertThat(model.predict(words(4, 9)).get(Signature.OUTPUT)).hasToString("F32[4, 2]");
    }
  }
}
