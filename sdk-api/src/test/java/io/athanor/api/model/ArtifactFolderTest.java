package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArtifactFolderTest {
  @TempDir Path root;
  private Path folder;
  private ModelArtifact model;

  @BeforeEach
  void write() {
    folder = root.resolve("models/spam");
    model = classifierOfText(Map.of("validation.loss", 0.1234567890123456));
    ArtifactFolder.write(model, folder);
  }

  private static ModelArtifact classifierOfText(Map<String, Double> metrics) {
    WordTokenizer tokenizer = WordTokenizer.fit(List.of("win a prize", "meet at noon"), 20, 1);
    FeatureEncoding encoding =
        new FeatureEncoding(
            List.of(
                new Encoder.Text("body", 12),
                new Encoder.Standardize("size", 10.25, 3.1),
                new Encoder.OneHot("day", List.of("Mo", "We|d`"), Encoder.OneHot.Unknown.IGNORE)),
            new TargetEncoder.Label("class", List.of("ham", "spam")),
            Optional.of(tokenizer));
    Graph graph = graph(tokenizer.vocabularySize());
    return new ModelArtifact(
        "bag",
        Map.of("hidden", 4, "rate", 0.5, "sizes", List.of(1, 2)),
        graph,
        Weights.initialize(graph, 3),
        encoding,
        metrics,
        provenance());
  }

  private static Graph graph(int vocabulary) {
    GraphBuilder g = Graph.builder("bag");
    Value ids = g.input("body", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value mask = g.input("body.mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
    Value words = g.embedding("words", ids, vocabulary, 4, 0.5);
    Value logits = g.linear("head", g.sequencePool(SequencePool.Kind.MEAN, words, mask), 2);
    Value target = g.target(Signature.TARGET, TensorType.i64(Dim.BATCH));
    return g.output(Signature.OUTPUT, logits).loss(g.crossEntropy(logits, target)).build();
  }

  private static Provenance provenance() {
    DataProvenance data =
        new DataProvenance(
            "mails.csv",
            Digest.ofText("mails"),
            100,
            List.of(new DataProvenance.Step("split", "80/20", Digest.ofText("split"))),
            Map.of("train", 80L, "test", 20L),
            5);
    return new Provenance(
        Instant.parse("2026-01-02T03:04:05.678Z"),
        7,
        "{\"epochs\":3}",
        List.of(data),
        Optional.of(Digest.ofText("base")),
        Map.of("java", "17", "os", "any"));
  }

  @Test
  void readsWhatItWrote() {
    ModelArtifact read = ArtifactFolder.read(folder);

    assertThat(read.architecture()).isEqualTo("bag");
    assertThat(read.config()).isEqualTo(model.config());
    assertThat(read.graph()).isEqualTo(model.graph());
    assertThat(read.weightsDigest()).isEqualTo(model.weightsDigest());
    assertThat(read.encoding()).isEqualTo(model.encoding());
    assertThat(read.metrics()).isEqualTo(model.metrics());
    assertThat(read.provenance()).isEqualTo(model.provenance());
  }

  @Test
  void readsAModelOfNumbersWithoutTokenizerAndLabels() {
    FeatureEncoding encoding =
        new FeatureEncoding(
            List.of(new Encoder.Standardize("x", 1, 2), new Encoder.Image("i", 1, 2, 2, 0.5, 0.1)),
            new TargetEncoder.Quantity("y", -3, 0.25),
            Optional.empty());
    GraphBuilder g = Graph.builder("line");
    Value x = g.input(FeatureEncoding.VECTOR, TensorType.f32(Dim.BATCH, Dim.of(1)));
    Graph graph = g.output(Signature.OUTPUT, g.linear("line", x, 1)).build();
    Weights weights = Weights.initialize(graph, 1);
    ModelArtifact line =
        new ModelArtifact("line", Map.of(), graph, weights, encoding, Map.of(), provenance());
    Path other = root.resolve("line");
    ArtifactFolder.write(line, other);

    assertThat(names(other))
        .containsOnly("athanor.json", "config.json", "model.safetensors", "README.md");
    assertThat(ArtifactFolder.read(other).encoding()).isEqualTo(encoding);
    assertThat(other.resolve("README.md")).content().contains("tabular-regression");
  }

  @Test
  void holdsTheFilesOtherToolsKnowAndNothingElse() throws IOException {
    assertThat(names(folder))
        .containsOnly(
            "athanor.json",
            "config.json",
            "labels.json",
            "model.safetensors",
            "README.md",
            "tokenizer.json");
    assertThat(names(folder.getParent())).containsOnly("spam");
    ObjectMapper json = new ObjectMapper();
    assertThat(json.readTree(folder.resolve("config.json").toFile()).get("model_type").asText())
        .isEqualTo("bag");
    assertThat(json.readTree(folder.resolve("labels.json").toFile()).toString())
        .isEqualTo("[\"ham\",\"spam\"]");
  }

  @Test
  void describesTheModelForPeople() {
    assertThat(folder.resolve("README.md"))
        .content()
        .startsWith("---\nlibrary_name: athanor\npipeline_tag: text-classification\n")
        .contains("- type: validation.loss\n      value: 0.1234567890123456\n")
        .contains("Predicts `class`, one of the labels `ham`, `spam`, from `body` (text)")
        .contains("`mails.csv`, 100 rows", "split: 80/20", "test 20, train 80")
        .contains("2026-01-02T03:04:05.678Z, seed 7", "ArtifactFolder.read");
  }

  @Test
  void letsPeopleEditTheModelCardOnly() throws IOException {
    Files.writeString(folder.resolve("README.md"), "My words.");

    assertThat(ArtifactFolder.read(folder).architecture()).isEqualTo("bag");
  }

  @Test
  void leavesAFolderWithContentAlone() {
    Digest before = model.weightsDigest();

    assertThatThrownBy(() -> ArtifactFolder.write(model, folder))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("expected a folder that is absent or empty")
        .hasMessageContaining("choose another folder or delete this one");
    assertThat(ArtifactFolder.read(folder).weightsDigest()).isEqualTo(before);
    assertThat(names(folder.getParent())).containsOnly("spam");
  }

  @Test
  void fillsAnEmptyFolder() throws IOException {
    Path empty = Files.createDirectories(root.resolve("empty"));

    ArtifactFolder.write(model, empty);

    assertThat(ArtifactFolder.read(empty).architecture()).isEqualTo("bag");
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "labels.json", "model.safetensors", "tokenizer.json"})
  void noticesAChangedByteInEveryFile(String name) throws IOException {
    flipLastByte(folder.resolve(name));

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("has another digest");
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "labels.json", "model.safetensors", "tokenizer.json"})
  void noticesAMissingFile(String name) throws IOException {
    Files.delete(folder.resolve(name));

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the file " + name + " is missing");
  }

  @Test
  void noticesATruncatedFile() throws IOException {
    try (RandomAccessFile file =
        new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
      file.setLength(file.length() - 5);
    }

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("it was cut off");
  }

  @Test
  void noticesAChangedMetric() throws IOException {
    replaceInMain("0.1234567890123456", "0.0234567890123456");

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("it was changed or damaged");
  }

  @Test
  void refusesANewerFormat() throws IOException {
    replaceInMain("\"format\" : 1,", "\"format\" : 2,");

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected format 1, got 2; read it with a newer version");
  }

  @Test
  void refusesFileNamesThatLeaveTheFolder() throws IOException {
    replaceInMain("\"labels.json\"", "\"../../secret\"");
    sealMain();

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected only the files")
        .hasMessageContaining("../../secret");
  }

  @Test
  void refusesAHugeMainFileBeforeReadingIt() throws IOException {
    try (RandomAccessFile file =
        new RandomAccessFile(folder.resolve("athanor.json").toFile(), "rw")) {
      file.setLength(10L << 30);
    }

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected at most 67108864 bytes, got 10737418240");
  }

  @Test
  void refusesPickledWeights() throws IOException {
    Path foreign = Files.createDirectories(root.resolve("foreign"));
    Files.writeString(foreign.resolve("pytorch_model.bin"), "PK");

    assertThatThrownBy(() -> ArtifactFolder.read(foreign))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("pytorch_model.bin may be a pickle")
        .hasMessageContaining("Convert the model to safetensors");
  }

  @Test
  void saysWhatAnotherFolderLacks() {
    assertThatThrownBy(() -> ArtifactFolder.read(root))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the file athanor.json is missing");
    assertThatThrownBy(() -> ArtifactFolder.read(root.resolve("nowhere")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("nowhere");
  }

  @Test
  void refusesMetricsThatAreNotFinite() {
    ModelArtifact odd = classifierOfText(Map.of("validation.loss", Double.NaN));

    assertThatThrownBy(() -> ArtifactFolder.write(odd, root.resolve("odd")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("metric 'validation.loss' is NaN");
    assertThat(root.resolve("odd")).doesNotExist();
  }

  @Test
  void leavesNothingBehindWhereItCannotWrite() throws IOException {
    Path blocked = Files.writeString(root.resolve("file"), "not a folder");

    assertThatThrownBy(() -> ArtifactFolder.write(model, blocked.resolve("model")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
  }

  @Test
  void keepsWeightsOnDiskUntilTheyAreUsed() {
    Weights weights = ArtifactFolder.read(folder).weights();

    assertThat(weights.tensors().values())
        .hasSize(3)
        .allMatch(tensor -> tensor.bytes().isDirect() && tensor.dtype() == DType.F32);
  }

  private static List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void flipLastByte(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
  }

  private void replaceInMain(String from, String to) throws IOException {
    Path main = folder.resolve("athanor.json");
    String text = Files.readString(main);
    assertThat(text).contains(from);
    Files.writeString(main, text.replace(from, to));
  }

  /** Gives the changed main file the right digest again, as an attacker would. */
  private void sealMain() throws IOException {
    Path main = folder.resolve("athanor.json");
    String blank =
        Files.readString(main).replaceFirst("(\"sha256\" : \")[0-9a-f]{64}", "$1" + "0".repeat(64));
    Files.writeString(main, blank.replaceFirst("0{64}", Digest.ofText(blank).hex()));
  }
}
