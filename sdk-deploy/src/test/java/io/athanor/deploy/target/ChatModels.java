package io.athanor.deploy.target;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.model.Models;
import io.athanor.model.arch.Llama;
import io.athanor.model.text.BytePairTraining;
import io.athanor.model.text.ChatTemplate;
import io.athanor.model.text.SubwordTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Tiny language models whose greedy texts vary. */
final class ChatModels {
  static final Map<String, String> SPECIAL =
      Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>");

  private static final Path TEMPLATES =
      Path.of("../sdk-training/models/src/test/resources/text/chat/templates");
  private static final Tokenizer TOKENIZER =
      SubwordTokenizer.read(
          "tiny",
          BytePairTraining.of(300)
              .specialTokens("<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>")
              .train(List.of("win a prize", "meet at noon", "a prize at noon", "win at noon")));

  private ChatModels() {}

  /** The template of a published model. */
  static String published(String name) {
    try {
      return Files.readString(TEMPLATES.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static LanguageEncoding encoding(String template) {
    return encoding(Optional.of(published(template)));
  }

  static LanguageEncoding encoding(Optional<String> template) {
    return new LanguageEncoding(
        new Task.Generation("text"),
        TOKENIZER,
        64,
        List.of(TOKENIZER.id("<|im_end|>").orElseThrow()),
        template,
        SPECIAL);
  }

  /** Speaks ChatML. */
  static ModelArtifact chat(long seed) {
    return chat(seed, encoding(Optional.of(ChatTemplate.chatMl().text())));
  }

  static ModelArtifact chat(long seed, LanguageEncoding encoding) {
    Llama llama = Models.llama(2, 32, 4, 2, 48);
    Graph graph = llama.graph(encoding.signature());
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    graph
        .parameters()
        .forEach(
            parameter -> {
              long[] shape = parameter.shape().resolve(Map.of());
              float[] numbers = new float[(int) Tensor.elements(shape)];
              for (int i = 0; i < numbers.length; i++) {
                numbers[i] = shape.length == 1 ? 1 : (float) random.nextGaussian() / 2;
              }
              tensors.put(parameter.name(), Tensor.ofFloats(numbers, shape));
            });
    return new ModelArtifact(
        llama.name(),
        llama.config(),
        graph,
        Weights.of(tensors),
        encoding,
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of()));
  }

  /** The mean of the vectors of a text's tokens. */
  static ModelArtifact embedder() {
    GraphBuilder g = Graph.builder("tiny-embedder");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value words = g.embedding("words", tokens, TOKENIZER.vocabularySize(), 4, 1);
    Value mean = g.sequencePool(SequencePool.Kind.MEAN, words);
    Graph graph = g.output("output", g.apply("unit", new ElementOp.Normalize(), mean)).build();
    return new ModelArtifact(
        "tiny-embedder",
        Map.of(),
        graph,
        Weights.initialize(graph, 5),
        new LanguageEncoding(
            new Task.Embedding("text", 0.05), TOKENIZER, 64, List.of(), Optional.empty(), SPECIAL),
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of()));
  }
}
