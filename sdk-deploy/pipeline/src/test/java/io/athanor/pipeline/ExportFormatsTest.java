package io.athanor.pipeline;

import static io.athanor.pipeline.ExportedModels.generation;
import static io.athanor.pipeline.ExportedModels.language;
import static io.athanor.pipeline.ExportedModels.numbers;
import static io.athanor.pipeline.ExportedModels.picture;
import static io.athanor.pipeline.ExportedModels.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Support;
import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import io.athanor.api.model.Export;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.Exported;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.backend.djl.TorchScript;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.training.compress.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every model in every format: written and readable, or refused while nothing is touched. */
class ExportFormatsTest {
  private static final String ONNX = "ONNX, F32";
  private static final String ONNX_INT8 = "ONNX, INT8";
  private static final String TORCH = "TorchScript";
  private static final String FOLDER = "Hugging Face folder";
  private static final String FOLDER_F16 = "Hugging Face folder, F16";
  private static final String GGUF = "GGUF, F32";
  private static final String GGUF_F16 = "GGUF, F16";
  private static final String GGUF_Q8 = "GGUF, Q8_0";
  private static final String PEFT = "PEFT adapter";
  private static final String GGUF_ADAPTER = "GGUF adapter, F32";
  private static final Set<String> GRAPHS = Set.of(ONNX, ONNX_INT8, TORCH);
  private static final Set<String> PUBLISHED = Set.of(ONNX, ONNX_INT8, TORCH, FOLDER, FOLDER_F16);
  private static final Set<String> EVERYWHERE =
      Set.of(ONNX, ONNX_INT8, TORCH, FOLDER, FOLDER_F16, GGUF, GGUF_F16, GGUF_Q8);

  private static final Map<String, Target> TARGETS = targets();
  private static Backend djl;

  @TempDir Path home;

  /** A format, and the program that is to understand what was written. */
  private record Target(ExportFormat format, BiConsumer<Path, ModelArtifact> reader) {}

  /**
   * @param held the formats that are to hold it; all others are to refuse it
   */
  private record Case(String name, ModelArtifact model, Set<String> held) {
    @Override
    public String toString() {
      return name;
    }
  }

  @BeforeAll
  static void startLibTorch() {
    djl = Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(1));
  }

  @AfterAll
  static void closeLibTorch() {
    djl.close();
  }

  private static Map<String, Target> targets() {
    List<Target> all =
        List.of(
            new Target(OnnxModel.format(OnnxPrecision.F32), ExportFormatsTest::openOnnx),
            new Target(OnnxModel.format(OnnxPrecision.INT8), ExportFormatsTest::openOnnx),
            new Target(TorchScript.format(), ExportFormatsTest::openTorch),
            new Target(Pretrained.format(), ExportFormatsTest::readFolder),
            new Target(
                Pretrained.format(HuggingFaceFolder.writer().dtype(DType.F16)),
                (path, model) -> assertSameNames(HuggingFaceFolder.read(path), model)),
            new Target(Gguf.format(GgufPrecision.F32), ExportFormatsTest::readGguf),
            new Target(Gguf.format(GgufPrecision.F16), ExportFormatsTest::readGguf),
            new Target(Gguf.format(GgufPrecision.Q8_0), ExportFormatsTest::readGguf),
            new Target(PeftAdapters.format("base"), ExportFormatsTest::readPeft),
            new Target(
                GgufAdapters.format(GgufPrecision.F32),
                (path, model) -> GgufAdapters.load(ExportedModels.llama(), path)));
    Map<String, Target> targets = new LinkedHashMap<>();
    all.forEach(target -> targets.put(target.format().name(), target));
    return targets;
  }

  private static void openOnnx(Path file, ModelArtifact model) {
    try (OrtSession session = OrtEnvironment.getEnvironment().createSession(file.toString())) {
      assertThat(session.getNumInputs()).isEqualTo(model.graph().forPrediction().inputs().size());
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  private static void openTorch(Path file, ModelArtifact model) {
    Criteria<NDList, NDList> criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optEngine("PyTorch")
            .optModelPath(file)
            .optTranslator(new NoopTranslator())
            .build();
    try (ZooModel<NDList, NDList> loaded = criteria.loadModel()) {
      assertThat(loaded.getBlock()).isNotNull();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void readFolder(Path folder, ModelArtifact model) {
    Pretrained read = Models.huggingFace(folder);
    assertThat(read.weights(model.graph(), 9)).isEqualTo(model.weights());
    assertThat(read.graph(model.encoding().signature())).isEqualTo(model.graph());
  }

  private static void readGguf(Path file, ModelArtifact model) {
    PretrainedModel read = Gguf.read(file);
    assertSameNames(read, model);
    assertThat(read.tokenizer()).isPresent();
  }

  private static void assertSameNames(PretrainedModel read, ModelArtifact model) {
    assertThat(Pretrained.of(read).weights(model.graph(), 9).tensors().keySet())
        .isEqualTo(model.weights().tensors().keySet());
  }

  private static void readPeft(Path folder, ModelArtifact model) {
    Weights read = PeftAdapters.load(ExportedModels.llama(), folder).weights();
    assertThat(read).isEqualTo(model.weights());
  }

  static List<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    cases.add(new Case("mlp", ExportedModels.of(Models.mlp(7), numbers()), GRAPHS));
    cases.add(new Case("mlp, picture", ExportedModels.of(Models.mlp(7), picture()), GRAPHS));
    cases.add(new Case("cnn", ExportedModels.of(Models.cnn(4, 6), picture()), GRAPHS));
    cases.add(new Case("bag of words", ExportedModels.of(Models.bagOfWords(), text()), GRAPHS));
    cases.add(new Case("lstm", ExportedModels.of(Models.lstm(5), text()), GRAPHS));
    cases.add(new Case("gru", ExportedModels.of(Models.gru(5), text()), GRAPHS));
    cases.add(
        new Case(
            "text encoder",
            ExportedModels.of(Models.textClassifier().layers(1).size(8).heads(2), text()),
            GRAPHS));
    cases.add(new Case("llama", ExportedModels.llama(), EVERYWHERE));
    Map.of(
            "mistral", ExportedModels.decoder("mistral", "sliding_window", 8),
            "qwen2", ExportedModels.decoder("qwen2"),
            "qwen3", ExportedModels.decoder("qwen3", "head_dim", 8),
            "gemma", ExportedModels.decoder("gemma", "head_dim", 8),
            "gemma2", ExportedModels.decoder("gemma2", "head_dim", 8, "query_pre_attn_scalar", 8),
            "gpt2", ExportedModels.gpt2())
        .forEach(
            (name, model) ->
                cases.add(new Case(name, ExportedModels.of(model, generation()), EVERYWHERE)));
    for (String type : List.of("bert", "roberta")) {
      cases.add(
          new Case(
              type,
              ExportedModels.of(ExportedModels.published(type, Map.of()), text()),
              PUBLISHED));
    }
    cases.add(
        new Case("distilbert", ExportedModels.of(ExportedModels.distilBert(), text()), PUBLISHED));
    cases.add(
        new Case(
            "bert for embeddings",
            ExportedModels.of(
                ExportedModels.published("bert", Map.of()),
                language(new Task.Embedding("pair", 0.05), ExportedModels.SUBWORDS)),
            PUBLISHED));
    cases.add(
        new Case(
            "llama with a head",
            ExportedModels.of(Models.llama(1, 16, 4, 2, 24), text()),
            PUBLISHED));
    cases.add(
        new Case(
            "llama of words",
            ExportedModels.of(
                Models.llama(1, 16, 4, 2, 24),
                language(new Task.Generation("text"), ExportedModels.WORDS)),
            PUBLISHED));
    cases.add(
        new Case(
            "qwen2 with small heads",
            ExportedModels.of(ExportedModels.decoder("qwen2", "head_dim", 8), generation()),
            PUBLISHED));
    cases.add(
        new Case(
            "llama with lora",
            ExportedModels.tuned(Lora.rank(2)),
            Set.of(ONNX, ONNX_INT8, TORCH, PEFT, GGUF_ADAPTER)));
    cases.add(
        new Case(
            "llama with virtual tokens",
            ExportedModels.tuned(PromptTuning.tokens(2)),
            Set.of(ONNX, ONNX_INT8, TORCH, PEFT)));
    cases.add(
        new Case(
            "llama with two adapters",
            ExportedModels.tuned(Lora.rank(2).adapters("mail", "chat")),
            GRAPHS));
    cases.add(new Case("llama, but scaled", ExportedModels.otherLlama(), GRAPHS));
    cases.add(new Case("custom encoder", ExportedModels.customEncoder(), GRAPHS));
    cases.add(
        new Case(
            "llama with a large number",
            ExportedModels.llamaWith(70_000),
            Set.of(ONNX, ONNX_INT8, TORCH, FOLDER, GGUF)));
    cases.add(
        new Case(
            "llama that diverged",
            ExportedModels.llamaWith(Float.NaN),
            Set.of(ONNX, TORCH, FOLDER, FOLDER_F16, GGUF)));
    cases.add(new Case("inputs in half precision", ExportedModels.halves(), Set.of()));
    cases.add(new Case("a program of others", foreign(), Set.of()));
    return cases;
  }

  private static ModelArtifact foreign() throws IOException {
    Path folder = Files.createTempDirectory("athanor-foreign");
    Path file = folder.resolve("theirs.pt");
    try {
      TorchScript.write(file, TinyArtifacts.sizes());
      return TorchScript.read(file, TinyArtifacts.sizes().featureEncoding());
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  @Test
  void noModelAndNoFormatIsForgotten() throws IOException {
    assertThat(cases()).hasSizeGreaterThanOrEqualTo(29);
    assertThat(TARGETS).hasSize(10);
    Set<String> held = cases().stream().flatMap(c -> c.held().stream()).collect(Collectors.toSet());
    assertThat(held).isEqualTo(TARGETS.keySet());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isWrittenAndReadableOrRefusedWhileNothingIsTouched(Case c) throws IOException {
    for (Map.Entry<String, Target> entry : TARGETS.entrySet()) {
      ExportFormat format = entry.getValue().format();
      Path target = home.resolve("model." + entry.getKey().replaceAll("\\W+", "-"));
      if (c.held().contains(entry.getKey())) {
        assertThat(format.holds(c.model())).as(format.name()).isInstanceOf(Support.Supported.class);
        assertWrittenAndReadable(entry.getValue(), c.model(), target);
      } else {
        assertRefused(format, c.model(), target);
      }
    }
  }

  private void assertWrittenAndReadable(Target way, ModelArtifact model, Path target)
      throws IOException {
    List<String> before = listing();

    Exported written = Export.of(model).to(target, way.format()).write().get(0);

    assertThat(written.target()).isEqualTo(target);
    assertThat(written.format()).isEqualTo(way.format().name());
    assertThat(written.weights()).isEqualTo(model.weightsDigest());
    List<String> added = listing();
    added.removeAll(before);
    long bytes = 0;
    for (String name : added) {
      bytes += Files.size(home.resolve(name));
    }
    assertThat(written.bytes()).isEqualTo(bytes).isPositive();
    if (Files.isRegularFile(target)) {
      assertThat(written.digest()).isEqualTo(Digest.ofFile(target));
    }
    way.reader().accept(target, model);
  }

  private void assertRefused(ExportFormat format, ModelArtifact model, Path target)
      throws IOException {
    List<String> before = listing();
    assertThat(format.holds(model)).as(format.name()).isInstanceOf(Support.Unsupported.class);
    Support.Unsupported refusal = (Support.Unsupported) format.holds(model);

    assertThatThrownBy(() -> Export.of(model).to(target, format).write())
        .isInstanceOf(UnsupportedException.class)
        .hasMessage("Unsupported: " + refusal.reason() + ". " + refusal.remedy());

    assertThat(refusal.reason()).startsWith("as " + format.name() + ": ");
    assertThat(refusal.remedy()).isNotBlank();
    assertThat(listing()).isEqualTo(before);
  }

  private List<String> listing() throws IOException {
    try (Stream<Path> walk = Files.walk(home)) {
      return walk.filter(Files::isRegularFile)
          .map(file -> home.relativize(file).toString())
          .sorted()
          .collect(Collectors.toCollection(ArrayList::new));
    }
  }

  @Test
  void refusalsSayWhy() {
    assertReason(
        ExportedModels.otherLlama(), Pretrained.format(), "its graph differs at the layer");
    assertReason(ExportedModels.customEncoder(), Pretrained.format(), "'model_type' is 'custom");
    assertReason(
        ExportedModels.tuned(Lora.rank(2)),
        Gguf.format(GgufPrecision.F32),
        "parameters that llama has no place for");
    assertReason(
        ExportedModels.llamaWith(70_000),
        Gguf.format(GgufPrecision.F16),
        "'token_embd.weight' holds a number beyond half precision");
    assertReason(
        ExportedModels.llamaWith(Float.NaN),
        OnnxModel.format(OnnxPrecision.INT8),
        "parameter 'model.embed_tokens.weight' holds NaN");
    assertReason(
        ExportedModels.of(
            Models.llama(1, 16, 4, 2, 24),
            language(new Task.Generation("text"), ExportedModels.WORDS)),
        Gguf.format(GgufPrecision.F32),
        "a tokenizer of the kind WordLevel");
    assertReason(
        ExportedModels.of(Models.llama(1, 16, 4, 2, 24), text()),
        Gguf.format(GgufPrecision.F32),
        "has no tensor 'score.weight'");
    assertReason(ExportedModels.llama(), PeftAdapters.format(""), "it has no adapter");
    assertReason(
        ExportedModels.tuned(PromptTuning.tokens(2)),
        GgufAdapters.format(GgufPrecision.F32),
        "virtual tokens, which GGUF cannot hold");
  }

  private static void assertReason(ModelArtifact model, ExportFormat format, String reason) {
    assertThat(((Support.Unsupported) format.holds(model)).reason()).contains(reason);
  }

  @Test
  void severalFormatsAreWrittenAtOnceOrNone() throws IOException {
    ModelArtifact model =
        ExportedModels.of(Models.textClassifier().layers(1).size(8).heads(2), text());
    Export export =
        Export.of(model)
            .to(home.resolve("m.onnx"), OnnxModel.format(OnnxPrecision.INT8))
            .to(home.resolve("m.pt"), TorchScript.format());

    assertThatThrownBy(() -> export.to(home.resolve("m.gguf"), Gguf.format(GgufPrecision.F16)))
        .isInstanceOf(UnsupportedException.class);
    assertThat(listing()).isEmpty();

    assertThat(export.write()).extracting(Exported::format).containsExactly(ONNX_INT8, TORCH);
    assertThat(listing()).containsExactly("m.onnx", "m.pt");
  }

  @Test
  void aDecoderOf8BitsIsWrittenAsTheNumbersThatTheyMean() {
    ModelArtifact whole = ExportedModels.llama();
    ModelArtifact small = Quantization.int8().of(whole);
    assertThat(small.graph()).isNotEqualTo(whole.graph());

    Export.of(small)
        .to(home.resolve("folder"), Pretrained.format())
        .to(home.resolve("m.gguf"), Gguf.format(GgufPrecision.F32))
        .to(home.resolve("m.pt"), TorchScript.format())
        .write();

    Weights rounded = Widened.of(small.graph(), small.weights()).weights();
    assertThat(rounded).isNotEqualTo(whole.weights());
    assertThat(Models.huggingFace(home.resolve("folder")).weights(whole.graph(), 9))
        .isEqualTo(rounded);
    readGguf(home.resolve("m.gguf"), whole);
    openTorch(home.resolve("m.pt"), small);
  }
}
