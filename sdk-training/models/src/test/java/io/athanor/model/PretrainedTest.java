package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Weights;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.FloatConversion;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PretrainedTest {
  private static final Signature GENERATION = signature(new Task.Generation("text"), 61, 16);
  private static final Signature TWO_LABELS =
      signature(new Task.Classification("label", List.of("no", "yes")), 61, 16);

  private static Signature signature(Task task, int vocabulary, int length) {
    return new Signature(List.of(new Feature.Tokens("tokens", vocabulary, length)), task);
  }

  private static PretrainedModel changed(
      String name, Consumer<Map<String, Object>> config, Consumer<Map<String, Tensor>> tensors) {
    PretrainedModel origin = HuggingFaceFolder.read(ParityCase.folder(name));
    Map<String, Object> entries = new LinkedHashMap<>(origin.config());
    Map<String, Tensor> weights = new LinkedHashMap<>(origin.tensors());
    config.accept(entries);
    tensors.accept(weights);
    return new PretrainedModel(
        "changed", entries, weights, Optional.empty(), Optional.empty(), Map.of());
  }

  private static Pretrained configured(String name, String entry, Object value) {
    return Models.pretrained(changed(name, entries -> entries.put(entry, value), tensors -> {}));
  }

  private static Weights weights(String name, Signature of, Consumer<Map<String, Tensor>> change) {
    Pretrained model = Models.pretrained(changed(name, entries -> {}, change));
    return model.weights(model.graph(of), 1);
  }

  @Test
  void tensorsAreNotCopied() {
    PretrainedModel checkpoint = HuggingFaceFolder.read(ParityCase.folder("llama"));
    Pretrained model = Models.pretrained(checkpoint);

    Weights weights = model.weights(model.graph(GENERATION), 1);

    assertThat(weights.tensors()).hasSize(21);
    weights
        .tensors()
        .forEach((name, tensor) -> assertThat(tensor).isSameAs(checkpoint.tensors().get(name)));
  }

  @ParameterizedTest
  @CsvSource({"F16, 1e-3", "BF16, 1e-2"})
  void tensorsOf16BitsAreWidened(DType type, double error) {
    Weights exact = weights("llama", GENERATION, tensors -> {});

    Weights widened =
        weights(
            "llama",
            GENERATION,
            tensors -> tensors.replaceAll((name, tensor) -> FloatConversion.convert(tensor, type)));

    assertThat(widened).isNotEqualTo(exact);
    exact
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(widened.tensor(name).floats())
                    .containsExactly(tensor.floats(), within((float) error)));
  }

  /** What a body saved by itself is called, what a body in a model with a head is called. */
  @ParameterizedTest
  @CsvSource({
    "llama, model.",
    "gpt2, transformer.",
    "bert-classification, bert.",
    "roberta-classification, roberta.",
    "distilbert-classification, distilbert."
  })
  void aBareBodyIsFoundToo(String name, String prefix) {
    Signature of = name.endsWith("classification") ? TWO_LABELS : GENERATION;
    Weights expected = weights(name, of, tensors -> {});

    Weights found =
        weights(
            name,
            of,
            tensors ->
                Map.copyOf(tensors)
                    .forEach(
                        (key, tensor) -> {
                          if (key.startsWith(prefix)) {
                            tensors.remove(key);
                            tensors.put(key.substring(prefix.length()), tensor);
                          }
                        }));

    assertThat(found).isEqualTo(expected);
  }

  @Test
  void anOldGpt2WithBuffersOfItsAttentionIsRead(@TempDir Path folder) throws IOException {
    PretrainedModel origin = HuggingFaceFolder.read(ParityCase.folder("gpt2"));
    Map<String, Tensor> bare = new LinkedHashMap<>();
    origin.tensors().forEach((name, t) -> bare.put(name.replace("transformer.", ""), t));
    bare.put("h.0.attn.masked_bias", Tensor.scalar(-10_000));
    Path written = folder.resolve("gpt2");
    HuggingFaceFolder.write(
        new PretrainedModel(
            "old", origin.config(), bare, Optional.empty(), Optional.empty(), Map.of()),
        written);
    insertMask(written.resolve("model.safetensors"), "h.0.attn.bias");

    PretrainedModel old = HuggingFaceFolder.read(written);

    Graph graph = Models.pretrained(old).graph(GENERATION);
    assertThat(Models.pretrained(old).weights(graph, 0))
        .isEqualTo(Models.pretrained(origin).weights(graph, 0));
    assertThat(old.tensors()).containsKey("h.0.ln_1.weight").doesNotContainKey("h.0.attn.bias");
    assertThatThrownBy(() -> old.tensors().get("h.0.attn.bias"))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("tensor 'h.0.attn.bias' has elements of the type BOOL")
        .hasMessageContaining("Convert it to F32");
  }

  /** Appends a tensor of four booleans, which {@link Tensor} has not, to a safetensors file. */
  private static void insertMask(Path file, String name) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) bytes.getLong(0);
    int data = bytes.capacity() - 8 - length;
    String header = new String(bytes.array(), 8, length, StandardCharsets.UTF_8).trim();
    String entry =
        ",\"%s\":{\"dtype\":\"BOOL\",\"shape\":[1,4],\"data_offsets\":[%d,%d]}}"
            .formatted(name, data, data + 4);
    byte[] longer =
        (header.substring(0, header.length() - 1) + entry).getBytes(StandardCharsets.UTF_8);
    ByteBuffer whole =
        ByteBuffer.allocate(8 + longer.length + data + 4).order(ByteOrder.LITTLE_ENDIAN);
    whole.putLong(longer.length).put(longer).put(bytes.array(), 8 + length, data);
    Files.write(file, whole.array());
  }

  @Test
  void normsOfTheFirstBertsAreFound() {
    Weights expected = weights("bert-classification", TWO_LABELS, tensors -> {});

    Weights found =
        weights(
            "bert-classification",
            TWO_LABELS,
            tensors ->
                Map.copyOf(tensors)
                    .forEach(
                        (key, tensor) -> {
                          tensors.remove(key);
                          tensors.put(
                              key.replace("LayerNorm.weight", "LayerNorm.gamma")
                                  .replace("LayerNorm.bias", "LayerNorm.beta"),
                              tensor);
                        }));

    assertThat(found).isEqualTo(expected);
  }

  @Test
  void aHeadOfOtherSizeStartsAtRandom() {
    Weights three =
        weights(
            "bert-classification",
            signature(new Task.Classification("label", List.of("a", "b", "c")), 61, 16),
            tensors -> {});

    Weights two = weights("bert-classification", TWO_LABELS, tensors -> {});

    assertThat(two.tensor("classifier.weight").shape()).containsExactly(2, 16);
    assertThat(two.tensor("classifier.weight").floats()).doesNotContain(0);
    assertThat(two.tensor("classifier.bias").floats()).containsOnly(0);
    String pooler = "bert.pooler.dense.weight";
    assertThat(two.tensor(pooler)).isEqualTo(three.tensor(pooler));
  }

  @Test
  void aGenerativeModelGetsAHeadForLabels() {
    Weights weights = weights("gemma2", TWO_LABELS, tensors -> {});

    assertThat(weights.tensor("score.weight").shape()).containsExactly(2, 16);
  }

  @Test
  void missingTensorsAreNamed() {
    assertThatThrownBy(
            () ->
                weights(
                    "llama",
                    GENERATION,
                    tensors -> tensors.remove("model.layers.1.mlp.up_proj.weight")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("no weights for [model.layers.1.mlp.up_proj.weight]")
        .hasMessageContaining("incomplete");
  }

  @Test
  void tensorsOfAnotherShapeAreNamed() {
    assertThatThrownBy(
            () ->
                weights(
                    "gpt2",
                    GENERATION,
                    tensors ->
                        tensors.put(
                            "transformer.h.0.attn.c_attn.weight",
                            Tensor.ofFloats(new float[16 * 48], 48, 16))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'transformer.h.0.attn.c_attn.weight' is F32[48, 16]")
        .hasMessageContaining("[16, 48]");
  }

  @Test
  void aTokenizerWithMoreIdsThanTheModelIsRefused() {
    Pretrained model = Models.huggingFace(ParityCase.folder("llama"));

    assertThatThrownBy(() -> model.graph(signature(new Task.Generation("text"), 62, 16)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("62 ids and the model knows 61");
  }

  @ParameterizedTest
  @CsvSource({"llama, 64", "gpt2, 32", "roberta-classification, 30", "bert-embedding, 32"})
  void sequencesLongerThanTheContextAreRefused(String name, int context) {
    Pretrained model = Models.huggingFace(ParityCase.folder(name));
    Task task = new Task.Generation("text");

    assertThat(model.contextLength()).isEqualTo(context);
    assertThatThrownBy(() -> model.graph(signature(task, 61, context + 1)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(context + 1 + " tokens and the model reads at most " + context);
  }

  @Test
  void anEncodingNeedsATokenizer() {
    Pretrained model = Models.huggingFace(ParityCase.folder("llama"));

    assertThatThrownBy(() -> model.encoding(new Task.Generation("text"), 16))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @ParameterizedTest
  @CsvSource({"bert-embedding, Generation", "llama, Embedding"})
  void tasksThatAModelIsNotMadeForAreRefused(String name, String kind) {
    Task task =
        kind.equals("Embedding") ? new Task.Embedding("pair", 0.1) : new Task.Generation("text");

    assertThatThrownBy(
            () -> Models.huggingFace(ParityCase.folder(name)).graph(signature(task, 61, 16)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("cannot do the task " + kind);
  }

  static Stream<Arguments> unknownMathematics() {
    return Stream.of(
        Arguments.of("llama", "model_type", "mamba"),
        Arguments.of("llama", "hidden_act", "xielu"),
        Arguments.of("llama", "rope_scaling", Map.of("rope_type", "longrope", "factor", 2)),
        Arguments.of("yarn", "rope_scaling", Map.of("type", "dynamic", "factor", 2.0)),
        Arguments.of("qwen3", "num_experts", 8),
        Arguments.of("llama", "quantization_config", Map.of("bits", 4)),
        Arguments.of("llama", "partial_rotary_factor", 0.5),
        Arguments.of("gemma2", "layer_types", List.of("chunked", "chunked", "chunked")),
        Arguments.of("gpt2", "add_cross_attention", true),
        Arguments.of("gpt2", "activation_function", "laplace"),
        Arguments.of("bert-embedding", "position_embedding_type", "relative_key"),
        Arguments.of("bert-embedding", "is_decoder", true));
  }

  @ParameterizedTest
  @MethodSource("unknownMathematics")
  void mathematicsThatIsNotHereIsRefusedByName(String name, String entry, Object value) {
    String inner = entry.equals("rope_scaling") ? "type" : entry;

    assertThatThrownBy(() -> configured(name, entry, value))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining(inner)
        .hasMessageContaining("changed");
  }

  static Stream<Arguments> damagedEntries() {
    return Stream.of(
        Arguments.of("llama", "hidden_size", null),
        Arguments.of("llama", "hidden_size", "sixteen"),
        Arguments.of("llama", "hidden_size", -16),
        Arguments.of("llama", "hidden_size", 1e300),
        Arguments.of("llama", "hidden_size", 15.5),
        Arguments.of("llama", "num_hidden_layers", 2_000_000_000),
        Arguments.of("llama", "num_hidden_layers", 2000),
        Arguments.of("llama", "num_key_value_heads", 3),
        Arguments.of("llama", "num_attention_heads", 0),
        Arguments.of("llama", "head_dim", 3),
        Arguments.of("llama", "attention_dropout", 1),
        Arguments.of("llama", "rms_norm_eps", 0),
        Arguments.of("llama", "rope_theta", -1),
        Arguments.of("llama", "rope_theta", 1),
        Arguments.of("llama", "attention_bias", "yes"),
        Arguments.of("llama", "rope_scaling", "linear"),
        Arguments.of("llama", "rope_scaling", Map.of("rope_type", "linear")),
        Arguments.of("llama", "rope_scaling", Map.of("rope_type", "linear", "factor", 0)),
        Arguments.of("gemma2", "sliding_window", -4),
        Arguments.of("gemma2", "layer_types", List.of("full_attention")),
        Arguments.of("gemma2", "final_logit_softcapping", -1),
        Arguments.of("gpt2", "n_head", 5),
        Arguments.of("gpt2", "n_layer", 1 << 20),
        Arguments.of("bert-embedding", "num_attention_heads", 5),
        Arguments.of("roberta-classification", "max_position_embeddings", 2),
        Arguments.of("distilbert-classification", "dim", null));
  }

  @ParameterizedTest
  @MethodSource("damagedEntries")
  void damagedEntriesAreNamed(String name, String entry, Object value) {
    assertThatThrownBy(() -> configured(name, entry, value))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("changed")
        .satisfies(e -> assertThat(e.getMessage()).containsAnyOf(entry, "head_dim", "factor"));
  }

  @Test
  @Tag("heavy")
  void noNumberInAConfigurationBreaksOutOfOurErrors() {
    Object[] values = {0, -1, 3, 1 << 23, Long.MAX_VALUE, 0.5, 1e308, "x", true, List.of()};
    int tried = 0;
    for (String name : List.of("gemma2", "yarn", "qwen3", "gpt2", "bert-embedding")) {
      Task task =
          name.startsWith("bert") ? new Task.Embedding("pair", 1) : new Task.Generation("text");
      for (String entry : HuggingFaceFolder.read(ParityCase.folder(name)).config().keySet()) {
        for (Object value : values) {
          tried++;
          try {
            Pretrained model = configured(name, entry, value);
            model.weights(model.graph(signature(task, 61, 1)), 1);
          } catch (AthanorException e) {
            assertThat(e.getMessage()).isNotBlank();
          }
        }
      }
    }
    assertThat(tried).isGreaterThan(1000);
  }

  @Test
  void dropoutIsThatOfTheConfiguration() {
    Graph graph =
        Models.pretrained(
                changed(
                    "bert-classification",
                    entries -> {
                      entries.put("hidden_dropout_prob", 0.2);
                      entries.put("attention_probs_dropout_prob", 0.3);
                      entries.put("classifier_dropout", 0.4);
                    },
                    tensors -> {}))
            .graph(TWO_LABELS);

    assertThat(
            graph.nodes().stream()
                .map(Node::op)
                .filter(ElementOp.Dropout.class::isInstance)
                .map(op -> ((ElementOp.Dropout) op).rate()))
        .containsExactly(0.2, 0.2, 0.2, 0.2, 0.2, 0.4);
    assertThat(
            graph.nodes().stream()
                .map(Node::op)
                .filter(SequenceOp.Attention.class::isInstance)
                .map(op -> ((SequenceOp.Attention) op).dropout()))
        .containsExactly(0.3, 0.3);
  }

  @Test
  void entriesThatOldFilesLackHaveTheirDefaults() {
    Pretrained model =
        Models.pretrained(
            changed(
                "gemma2",
                entries -> {
                  entries.remove("layer_types");
                  entries.remove("tie_word_embeddings");
                  entries.remove("rms_norm_eps");
                  entries.remove("rope_theta");
                },
                tensors -> {}));

    assertThat(model.graph(GENERATION))
        .isEqualTo(Models.huggingFace(ParityCase.folder("gemma2")).graph(GENERATION));
    assertThat(windows(model.graph(GENERATION))).containsExactly(4, 0, 4);
  }

  @Test
  void qwenSlidesOnlyWhereItSaysSo() {
    Pretrained model =
        Models.pretrained(
            changed(
                "qwen2",
                entries -> {
                  entries.remove("layer_types");
                  entries.put("use_sliding_window", true);
                  entries.put("sliding_window", 5);
                  entries.put("max_window_layers", 1);
                },
                tensors -> {}));

    assertThat(windows(model.graph(GENERATION))).containsExactly(0, 5);
  }

  private static List<Integer> windows(Graph graph) {
    return graph.nodes().stream()
        .map(Node::op)
        .filter(SequenceOp.Attention.class::isInstance)
        .map(op -> ((SequenceOp.Attention) op).window())
        .toList();
  }
}
