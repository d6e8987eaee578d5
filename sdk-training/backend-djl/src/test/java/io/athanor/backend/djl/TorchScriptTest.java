package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.tck.fixture.OpCase;
import io.athanor.tck.fixture.OpCases;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.fixture.TinyLanguageModels;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The judge of a file is DJL by itself; the judge of its numbers is the reference backend. */
class TorchScriptTest {
  @TempDir Path folder;

  private final Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());

  static Stream<Graph> graphs() {
    List<Graph> graphs =
        Stream.of(
                TinyGraphs.all(), TinyLanguageModels.all(), List.of(TinyLanguageModels.adapters()))
            .flatMap(List::stream)
            .toList();
    assertThat(graphs).hasSize(12);
    return graphs.stream();
  }

  @ParameterizedTest
  @MethodSource("graphs")
  void everyArchitecturePredictsTheSameInDjlAlone(Graph whole) throws Exception {
    Graph graph = whole.forPrediction();
    Weights weights = Weights.initialize(graph, 5);
    Path file = folder.resolve("model.pt");

    TorchScript.prepared(graph, weights, Map.of()).writeTo(file);

    try (CompiledModel expected = reference.compile(graph, weights, Precision.F32);
        ZooModel<NDList, NDList> model = load(file)) {
      for (int[] size : new int[][] {{3, 4}, {1, 1}, {2, 9}}) {
        Map<String, Tensor> inputs = batch(graph, size[0], size[1]);
        assertAgree(expected.predict(inputs), predict(model, graph, inputs));
      }
    }
  }

  private static Map<String, Tensor> batch(Graph graph, int rows, int length) {
    Map<String, Tensor> tensors =
        new LinkedHashMap<>(TinyGraphs.batch(graph, rows, length, 8).tensors());
    tensors.computeIfPresent(
        "adapter", (name, any) -> Tensor.ofLongs(new long[rows], rows)); // the only small table
    return tensors;
  }

  @Test
  void everyOperationIsWritten() throws Exception {
    Map<String, OpCase> cases = new LinkedHashMap<>();
    OpCases.all(1).forEach(c -> cases.put(c.op().getClass().getSimpleName(), c));
    assertThat(cases).hasSizeGreaterThan(30);
    int predicting = 0;
    for (OpCase each : cases.values()) {
      Graph graph = each.graph().forPrediction();
      if (!graph.nodes().isEmpty()) {
        predicting++;
        Path file = folder.resolve(predicting + ".pt");
        TorchScript.prepared(graph, each.weights(), Map.of()).writeTo(file);
        try (CompiledModel expected = reference.compile(graph, each.weights(), Precision.F32);
            ZooModel<NDList, NDList> model = load(file)) {
          assertAgree(expected.predict(each.tensors()), predict(model, graph, each.tensors()));
        }
      }
    }
    assertThat(predicting).isGreaterThan(25);
  }

  private static ZooModel<NDList, NDList> load(Path file) throws Exception {
    LibTorch.start(); // so that DJL asks no network
    return Criteria.builder()
        .setTypes(NDList.class, NDList.class)
        .optEngine("PyTorch")
        .optModelPath(file)
        .optTranslator(new NoopTranslator())
        .build()
        .loadModel();
  }

  private static Map<String, Tensor> predict(
      ZooModel<NDList, NDList> model, Graph graph, Map<String, Tensor> tensors) throws Exception {
    try (Predictor<NDList, NDList> predictor = model.newPredictor();
        NDManager manager = model.getNDManager().newSubManager()) {
      NDList inputs = new NDList();
      for (Input input : graph.inputs()) {
        Tensor tensor = tensors.get(input.name());
        Shape shape = new Shape(tensor.shape());
        inputs.add(
            tensor.dtype() == DType.F32
                ? manager.create(tensor.floats(), shape)
                : manager.create(tensor.longs(), shape));
      }
      NDList outputs = predictor.predict(inputs);
      Map<String, Tensor> results = new LinkedHashMap<>();
      for (String name : graph.outputs().keySet()) {
        NDArray array = outputs.get(results.size());
        long[] shape = array.getShape().getShape();
        results.put(
            name,
            array.getDataType() == DataType.INT64
                ? Tensor.ofLongs(array.toLongArray(), shape)
                : Tensor.ofFloats(array.toFloatArray(), shape));
      }
      assertThat(outputs).hasSameSizeAs(results.keySet());
      return results;
    }
  }

  private static void assertAgree(Map<String, Tensor> expected, Map<String, Tensor> actual) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          assertThat(actual.get(name).shape()).isEqualTo(tensor.shape());
          if (tensor.dtype() == DType.I64) {
            assertThat(actual.get(name)).isEqualTo(tensor);
            return;
          }
          float[] got = actual.get(name).floats();
          float[] wanted = tensor.floats();
          for (int i = 0; i < got.length; i++) {
            assertThat(got[i]).as(name).isCloseTo(wanted[i], within(tolerance(wanted[i])));
          }
        });
  }

  private static float tolerance(float value) {
    return 1e-5f * Math.max(1, Math.abs(value));
  }

  @Test
  void outputsComeAsATupleInTheOrderOfTheGraph() throws Exception {
    GraphBuilder g = Graph.builder("two-outputs");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(2)));
    Value hidden = g.relu(g.linear("layer.0", x, 3));
    Graph graph =
        g.output("scores", g.linear("layer.1", hidden, 4)).output("hidden", hidden).build();
    Weights weights = Weights.initialize(graph, 1);
    Path file = folder.resolve("two.pt");
    TorchScript.prepared(graph, weights, Map.of()).writeTo(file);

    try (CompiledModel expected = reference.compile(graph, weights, Precision.F32);
        ZooModel<NDList, NDList> model = load(file)) {
      Map<String, Tensor> inputs = TinyGraphs.batch(graph, 3, 1, 2).tensors();
      assertAgree(expected.predict(inputs), predict(model, graph, inputs));
    }
  }

  @Test
  void argumentsHaveTheNamesOfInputsWhereTheLanguageAllowsIt() throws Exception {
    GraphBuilder g = Graph.builder("names");
    TensorType type = TensorType.f32(Dim.BATCH, Dim.of(2));
    Value sum = g.input("tokens", type);
    for (String name : List.of("body.mask", "class", "v1", "self", "p", "Größe", "body_mask")) {
      sum = g.add(sum, g.input(name, type));
    }
    Graph graph = g.output("sum", sum).build();
    Path file = folder.resolve("names.pt");
    TorchScript.prepared(graph, Weights.of(Map.of()), Map.of()).writeTo(file);

    assertThat(entry(file, "code/__torch__.py"))
        .contains(
            "tokens: Tensor, body_mask: Tensor, input_2: Tensor, input_3: Tensor,"
                + " input_4: Tensor, input_5: Tensor, input_6: Tensor, input_7: Tensor)");
    try (ZooModel<NDList, NDList> model = load(file)) {
      Map<String, Tensor> inputs = TinyGraphs.batch(graph, 2, 1, 2).tensors();
      assertThat(predict(model, graph, inputs).get("sum").shape()).containsExactly(2, 2);
    }
  }

  @Test
  void aFileCarriesWhatIsNeededToUseIt() throws Exception {
    ModelArtifact spam = TinyArtifacts.spam();
    Path file = folder.resolve("spam.pt");

    TorchScript.write(file, spam);

    assertThat(entry(file, "extra/labels.json")).isEqualTo("[\"ham\",\"spam\"]");
    assertThat(entry(file, "extra/tokenizer.json"))
        .isEqualTo(spam.encoding().tokenizer().orElseThrow().json());
    assertThat(entry(file, "extra/encoding.json")).contains("\"body\"");
    assertThat(entry(file, "extra/athanor.json"))
        .contains(spam.weightsDigest().toString(), "\"body.mask\"", "\"body_mask\"", "[ \"batch\"");
    assertThat(Files.list(folder)).containsExactly(file);
    try (ZooModel<NDList, NDList> model = load(file);
        NDManager manager = model.getNDManager().newSubManager();
        Predictor<NDList, NDList> predictor = model.newPredictor()) {
      NDArray ids = manager.create(new long[] {2, 1, 1, 2}, new Shape(1, 4));
      NDArray mask = manager.create(new float[] {1, 1, 1, 1}, new Shape(1, 4));
      NDArray logits = predictor.predict(new NDList(ids, mask)).get(0);
      assertThat(logits.toFloatArray()).containsExactly(0, 12 * 0.5f - 2);
    }
  }

  @Test
  void writingTwiceGivesTheSameBytes() throws Exception {
    TorchScript.write(folder.resolve("a.pt"), TinyArtifacts.sizes());
    TorchScript.write(folder.resolve("b.pt"), TinyArtifacts.sizes());

    assertThat(folder.resolve("a.pt")).hasSameBinaryContentAs(folder.resolve("b.pt"));
  }

  private static String entry(Path file, String name) throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile());
        InputStream in = zip.getInputStream(zip.getEntry("program/" + name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void tensorsLieInTheArchiveAsTheyAre() throws Exception {
    Path file = folder.resolve("prices.pt");
    TorchScript.write(file, TinyArtifacts.prices());

    try (ZipFile zip = new ZipFile(file.toFile())) {
      long tensors = 0;
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
        tensors += entry.getName().startsWith("program/data/") ? entry.getSize() : 0;
      }
      assertThat(tensors).isEqualTo(2 * Float.BYTES);
    }
  }

  @Test
  void namesThatNoModuleCanHaveAreRefusedBeforeAByteIsWritten() {
    assertRefused("layer", "layer.weight", "'layer' would be a tensor and a module");
    assertRefused("layer.weight", "layer", "'layer' would be a tensor and a module");
    assertRefused("a..b", "c", "PyTorch has no place for ''");
    assertRefused("a.\"b", "c", "PyTorch has no place for '\"b'");
    assertRefused("training", "c", "PyTorch has no place for 'training'");
  }

  private void assertRefused(String first, String second, String reason) {
    GraphBuilder g = Graph.builder("names");
    Value x = g.input("x", TensorType.f32(Dim.BATCH, Dim.of(2)));
    for (String name : List.of(first, second)) {
      String weight = g.parameter(name, new Initializer.Constant(1), 2, 2);
      x = g.apply("use " + name, new LayerOp.Linear(weight, null), x);
    }
    Graph graph = g.output("y", x).build();
    Path file = folder.resolve("refused.pt");

    assertThatThrownBy(
            () -> TorchScript.prepared(graph, Weights.initialize(graph, 1), Map.of()).writeTo(file))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining("Name it as PyTorch does");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void weightsOfSixteenBitsAreRefused() {
    Graph graph = TinyGraphs.regression().forPrediction();
    Map<String, Tensor> halves = new LinkedHashMap<>();
    graph
        .parameters()
        .forEach(
            parameter -> {
              long[] shape = parameter.shape().resolve(Map.of());
              int bytes = (int) (DType.F16.bytes() * Tensor.elements(shape));
              halves.put(parameter.name(), Tensor.of(DType.F16, ByteBuffer.allocate(bytes), shape));
            });

    assertThatThrownBy(
            () ->
                TorchScript.prepared(graph, Weights.of(halves), Map.of())
                    .writeTo(folder.resolve("x.pt")))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("of type F16. Convert the weights to F32 first");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aPlaceThatCannotBeWrittenLeavesNothingBehind() throws Exception {
    Path occupied = Files.createDirectories(folder.resolve("model.pt").resolve("inner"));

    assertThatThrownBy(() -> TorchScript.write(occupied.getParent(), TinyArtifacts.sizes()))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
    assertThat(Files.list(folder)).containsExactly(occupied.getParent());
  }
}
