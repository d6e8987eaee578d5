package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.io.IOException;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LanguageArtifactTest {
  private static final WordTokenizer WORDS = WordTokenizer.fit(List.of("once upon a time"), 9, 1);
  private static final String TEMPLATE = "{{ bos_token }}{% for m in messages %}\u00e9{% endfor %}";
  private static final Task GENERATION = new Task.Generation("text");

  @TempDir Path root;
  private Path folder;
  private final LanguageEncoding encoding = encoding(GENERATION, Optional.of(TEMPLATE));

  @BeforeEach
  void write() {
    folder = root.resolve("model");
    ArtifactFolder.write(model(encoding), folder);
  }

  private static LanguageEncoding encoding(Task task, Optional<String> template) {
    return new LanguageEncoding(
        task,
        WORDS,
        1024,
        List.of(3, 2),
        template,
        Map.of("bos_token", "<s>", "eos_token", "</s>"));
  }

  private static ModelArtifact model(LanguageEncoding encoding) {
    GraphBuilder g = Graph.builder("tiny");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value x = g.embedding("words", tokens, WORDS.vocabularySize(), 4, 0.5);
    Value logits = g.linear("head", x, WORDS.vocabularySize());
    Value target = g.target(Signature.TARGET, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Graph graph = g.output(Signature.OUTPUT, logits).loss(g.crossEntropy(logits, target)).build();
    return new ModelArtifact(
        "tiny-llama",
        Map.of(),
        graph,
        Weights.initialize(graph, 3),
        encoding,
        Map.of("validation.loss", 2.5),
        new Provenance(
            Instant.parse("2026-01-02T03:04:05Z"), 7, "{}", List.of(), Optional.empty(), Map.of()));
  }

  @Test
  void readsWhatItWrote() {
    ModelArtifact read = ArtifactFolder.read(folder);

    assertThat(read.encoding()).isEqualTo(encoding);
    assertThat(read.task()).isEqualTo(GENERATION);
    assertThat(read.weightsDigest()).isEqualTo(model(encoding).weightsDigest());
  }

  @Test
  void tokenizerAndTemplateAreFilesOfTheirOwn() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsOnly(
              "athanor.json",
              "chat_template.jinja",
              "config.json",
              "model.safetensors",
              "README.md",
              "tokenizer.json");
    }
    assertThat(folder.resolve("chat_template.jinja")).hasContent(TEMPLATE);
    assertThat(folder.resolve("tokenizer.json")).hasContent(WORDS.json());
    assertThat(folder.resolve("athanor.json"))
        .content()
        .contains(Digest.ofText(TEMPLATE).hex(), Digest.ofText(WORDS.json()).hex());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer.json", "chat_template.jinja"})
  void noticesAChangedOrMissingFile(String name) throws IOException {
    Path file = folder.resolve(name);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("has another digest");

    Files.delete(file);
    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the file " + name + " is missing");
  }

  @Test
  void aTemplateThatNobodyListedIsRefused() throws IOException {
    Path plain = root.resolve("plain");
    ArtifactFolder.write(model(encoding(GENERATION, Optional.empty())), plain);
    assertThat(((LanguageEncoding) ArtifactFolder.read(plain).encoding()).chatTemplate()).isEmpty();

    Files.writeString(plain.resolve("chat_template.jinja"), "{{ slipped_in }}");
    assertThatThrownBy(() -> ArtifactFolder.read(plain))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(
            "there is a file chat_template.jinja that athanor.json does not list");
  }

  @Test
  void itPredictsNoColumn() {
    assertThatThrownBy(() -> ArtifactFolder.read(folder).featureEncoding())
        .isInstanceOf(UnsupportedException.class)
        .hasMessage(
            "Unsupported: the model 'tiny-llama' reads text, not rows, and predicts no column."
                + " Generate text or embed it instead");
  }

  static Stream<Task> tasks() {
    return Stream.of(
        GENERATION, new Task.PreferenceRanking("answer", 0.1), new Task.Embedding("match", 0.05));
  }

  @ParameterizedTest
  @MethodSource("tasks")
  void everyTaskComesBackAsItWas(Task task) {
    LanguageEncoding one = encoding(task, Optional.of(TEMPLATE));

    assertThat(read(EncodingJson.write(one).toString(), Optional.of(WORDS))).isEqualTo(one);
  }

  @Test
  void withoutItsTokenizerItCannotBeRead() {
    assertThatThrownBy(() -> read(EncodingJson.write(encoding).toString(), Optional.empty()))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "athanor.json: encoding.language: a language model needs its tokenizer.json, and there"
                + " is none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"kind\":\"generation\" | \"kind\":\"singing\" | unknown task 'singing'; a newer version",
        "\"kind\":\"generation\" | \"kind\":\"embedding\" | missing field 'temperature'",
        "\"kind\":\"generation\" | \"kind\":\"preferenceRanking\",\"beta\":-1 | beta must be above 0",
        "\"kind\":\"generation\" | \"kind\":\"generation\",\"beta\":1 | unknown field 'beta'",
        "\"target\":\"text\", | | missing field 'target'",
        "1024 | 1024.5 | 'contextLength' must be a 32-bit integer",
        "[3,2] | [3,null] | endIds[1]: expected a 32-bit integer, got null",
        "[3,2] | 3 | 'endIds' must be a list, got number 3",
        "\"<s>\" | 7 | 'bos_token' must be a text, got number 7",
        "\"contextLength\" | \"length\":1,\"contextLength\" | unknown field 'length'",
        "{\"language\" | {\"encoders\":[],\"language\" | unknown field 'encoders'",
      })
  void aWrongPartIsNamed(String from, String to, String message) {
    String text = EncodingJson.write(encoding).toString();
    assertThat(text).contains(from);
    String changed = text.replace(from, to == null ? "" : to);

    assertThatThrownBy(() -> read(changed, Optional.of(WORDS)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("athanor.json: encoding")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1024 | 0 | contextLength must be at least 1, got 0",
        "[3,2] | [3,99] | end ids must be in [0, 6), got [3, 99]",
      })
  void partsThatDoNotFitAreNamed(String from, String to, String message) {
    String changed = EncodingJson.write(encoding).toString().replace(from, to);

    assertThatThrownBy(() -> read(changed, Optional.of(WORDS)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(message);
  }

  private static Encoding read(String json, Optional<Tokenizer> tokenizer) {
    try {
      ObjectNode node = (ObjectNode) new ObjectMapper().readTree(json);
      return EncodingJson.read("athanor.json", node, tokenizer, Optional.of(TEMPLATE));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void theCardTellsHowToConverse() {
    assertThat(ModelCard.write(model(encoding)))
        .contains("pipeline_tag: text-generation\n")
        .contains("# tiny-llama for `text`\n\nWrites text, of at most 1,024 tokens. It has 54 ")
        .contains("hold for texts like those it was trained on. What it says may be wrong.")
        .contains(
            """
            ```java
            ModelArtifact model = ArtifactFolder.read(Path.of("this-folder"));
            try (TextGenerator generator = TextGenerator.of(model, backend)) {
              String text = generator.chat(List.of(ChatMessage.user("Hello")), \
            GenerationSettings.greedy()).text();
            }
            ```
            """);
  }

  @Test
  void theCardTellsHowToContinueATextOrToEmbedIt() {
    assertThat(ModelCard.write(model(encoding(GENERATION, Optional.empty()))))
        .contains("  String text = generator.generate(\"Once upon a time\").text();\n}\n```\n");
    assertThat(ModelCard.write(model(encoding(new Task.Embedding("match", 0.1), Optional.empty()))))
        .contains("pipeline_tag: sentence-similarity\n", "Turns text into vectors, of at most")
        .contains("try (TextEmbedder embedder = TextEmbedder.of(model, backend)) {\n")
        .contains("  float[] vector = embedder.embed(\"a text\");\n}\n```\n")
        .doesNotContain("What it says");
  }
}
