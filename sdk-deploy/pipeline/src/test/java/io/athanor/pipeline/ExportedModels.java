package io.athanor.pipeline;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.training.Tuning;
import io.athanor.model.Models;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.text.BytePairTraining;
import io.athanor.model.text.SubwordTokenizer;
import io.athanor.training.tuning.Adapters;
import io.athanor.training.tuning.TunedModel;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tiny models of every architecture, with random weights. */
final class ExportedModels {
  static final Tokenizer WORDS = WordTokenizer.fit(List.of("win a prize", "meet at noon"), 20, 1);
  static final Tokenizer SUBWORDS =
      SubwordTokenizer.read(
          "bpe",
          BytePairTraining.of(270)
              .train(List.of("win a prize", "meet at noon", "a prize at noon", "win a prize")));

  private static final TargetEncoder LABEL =
      new TargetEncoder.Label("label", List.of("a", "b", "c"));
  private static final Map<String, Object> SMALL =
      Map.of(
          "hidden_size", 16,
          "num_hidden_layers", 2,
          "num_attention_heads", 4,
          "intermediate_size", 24,
          "max_position_embeddings", 32);

  private ExportedModels() {}

  static ModelArtifact of(Architecture architecture, Encoding encoding) {
    Graph graph = architecture.graph(encoding.signature());
    return artifact(
        architecture.name(), architecture.config(), graph, Weights.initialize(graph, 1), encoding);
  }

  static ModelArtifact artifact(
      String name, Map<String, Object> config, Graph graph, Weights weights, Encoding encoding) {
    Provenance provenance =
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of());
    return new ModelArtifact(name, config, graph, weights, encoding, Map.of(), provenance);
  }

  static Encoding text() {
    return new FeatureEncoding(List.of(new Encoder.Text("body", 12)), LABEL, Optional.of(WORDS));
  }

  static Encoding numbers() {
    return new FeatureEncoding(
        List.of(new Encoder.Standardize("x", 1, 2), new Encoder.Standardize("y", 1, 2)),
        new TargetEncoder.Quantity("z", 0, 1),
        Optional.empty());
  }

  static Encoding picture() {
    return new FeatureEncoding(
        List.of(new Encoder.Image("picture", 3, 8, 8, 0, 1)), LABEL, Optional.empty());
  }

  static Encoding language(Task task, Tokenizer tokenizer) {
    return new LanguageEncoding(task, tokenizer, 16, List.of(), Optional.empty(), Map.of());
  }

  static Encoding generation() {
    return language(new Task.Generation("text"), SUBWORDS);
  }

  /** A published architecture in small, with these entries of its configuration. */
  static Architecture published(String type, Map<String, Object> entries) {
    Map<String, Object> config = new LinkedHashMap<>(SMALL);
    config.put("model_type", type);
    config.put("vocab_size", SUBWORDS.vocabularySize());
    config.putAll(entries);
    return Models.pretrained(
        new PretrainedModel(type, config, Map.of(), Optional.empty(), Optional.empty(), Map.of()));
  }

  static Architecture decoder(String type, Object... more) {
    Map<String, Object> entries = new LinkedHashMap<>(Map.of("num_key_value_heads", 2));
    for (int i = 0; i < more.length; i += 2) {
      entries.put((String) more[i], more[i + 1]);
    }
    return published(type, entries);
  }

  static Architecture gpt2() {
    return published("gpt2", Map.of("n_embd", 16, "n_head", 4, "n_layer", 2, "n_positions", 32));
  }

  static Architecture distilBert() {
    return published(
        "distilbert", Map.of("dim", 16, "hidden_dim", 24, "n_heads", 4, "n_layers", 2));
  }

  static ModelArtifact llama() {
    return of(Models.llama(1, 16, 4, 2, 24), generation());
  }

  static ModelArtifact tuned(Tuning tuning) {
    ModelArtifact base = llama();
    TunedModel tuned = TunedModel.of(tuning, base.graph(), base.weights(), Optional.empty(), 3);
    return artifact(
        base.architecture(),
        Adapters.config(base.config(), tuning),
        tuned.graph(),
        tuned.weights(),
        base.encoding());
  }

  /** With a number that few formats hold in the table of tokens. */
  static ModelArtifact llamaWith(float number) {
    ModelArtifact base = llama();
    String name = "model.embed_tokens.weight";
    float[] numbers = base.weights().tensor(name).floats();
    numbers[5] = number;
    Tensor table = Tensor.ofFloats(numbers, base.weights().tensor(name).shape());
    return artifact(
        base.architecture(),
        base.config(),
        base.graph(),
        base.weights().with(Weights.of(Map.of(name, table))),
        base.encoding());
  }

  /** Calls itself Llama and has Llama's parameters, but its result is scaled. */
  static ModelArtifact otherLlama() {
    ModelArtifact base = llama();
    return artifact(
        base.architecture(),
        base.config(),
        base.graph().withOutput(Signature.OUTPUT, "sharper", new ElementOp.Scale(2)),
        base.weights(),
        base.encoding());
  }

  /** An encoder that somebody wrote as a graph. */
  static ModelArtifact customEncoder() {
    GraphBuilder g = Graph.builder("custom-encoder");
    Value ids = g.input("body", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value mask = g.input("body.mask", TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
    Value words = g.embedding("words", ids, WORDS.vocabularySize(), 8, 0.5);
    Value pooled = g.sequencePool(SequencePool.Kind.MAX, words, mask);
    Value logits = g.linear("head", g.gelu(pooled), 3);
    Value target = g.target(Signature.TARGET, TensorType.i64(Dim.BATCH));
    Graph graph = g.output(Signature.OUTPUT, logits).loss(g.crossEntropy(logits, target)).build();
    return artifact("custom-encoder", Map.of(), graph, Weights.initialize(graph, 1), text());
  }

  /** Reads numbers in half precision. */
  static ModelArtifact halves() {
    GraphBuilder g = Graph.builder("halves");
    Value x =
        g.input(
            FeatureEncoding.VECTOR,
            new TensorType(DType.F16, TensorType.f32(Dim.BATCH, Dim.of(2)).shape()));
    Graph graph = g.output(Signature.OUTPUT, x).build();
    return artifact("halves", Map.of(), graph, Weights.of(Map.of()), numbers());
  }
}
