package io.athanor.deploy.serve;

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
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftMethod;
import io.athanor.tck.fixture.TinyLanguageModels;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/** Language models of two blocks with random weights, whose words are letters. */
final class TinyText {
  static final int CONTEXT = 200;
  static final String TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}";

  private TinyText() {}

  /** Says what its weights happen to say, and never ends by itself. */
  static ModelArtifact model() {
    return model(3, Optional.empty());
  }

  static ModelArtifact model(long seed, Optional<String> template) {
    Graph graph = TinyLanguageModels.groupedKeys();
    return artifact(graph, Weights.initialize(graph, seed), new Task.Generation("text"), template);
  }

  /** The mean of the vectors of a text's letters. */
  static ModelArtifact embedder() {
    GraphBuilder g = Graph.builder("tiny-embedder");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value words = g.embedding("words", tokens, TinyLanguageModels.VOCABULARY, 4, 1);
    Value mean = g.sequencePool(SequencePool.Kind.MEAN, words);
    Graph graph = g.output("output", g.apply("unit", new ElementOp.Normalize(), mean)).build();
    return artifact(
        graph, Weights.initialize(graph, 5), new Task.Embedding("text", 0.05), Optional.empty());
  }

  static ModelArtifact artifact(
      Graph graph, Weights weights, Task task, Optional<String> template) {
    return new ModelArtifact(
        "tiny-text",
        Map.of(),
        graph,
        weights,
        new LanguageEncoding(task, new Letters(), CONTEXT, List.of(), template, Map.of()),
        Map.of(),
        new Provenance(
            Instant.parse("2026-01-01T00:00:00Z"),
            7,
            "{}",
            List.of(),
            Optional.empty(),
            Map.of("backend", "none: random")));
  }

  /** An adapter of some layers that says something else than the base. */
  static PeftAdapter adapter(long seed, int rank, Optional<ModelArtifact> base, String... layers) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String layer : layers) {
      Tensor weight = model().weights().tensor(layer + ".weight");
      tensors.put(layer + ".lora_A.weight", random(random, rank, weight.size(1)));
      tensors.put(layer + ".lora_B.weight", random(random, weight.size(0), rank));
    }
    PeftAdapter adapter =
        new PeftAdapter(
            "adapter " + seed,
            new PeftMethod.LoraSettings(
                rank, 2.0 * rank, 0, List.of(layers), false, false, false, Map.of(), Map.of()),
            Optional.empty(),
            "",
            Optional.empty(),
            List.of(),
            tensors);
    return base.map(model -> adapter.madeFor(model.weights())).orElse(adapter);
  }

  private static Tensor random(SplittableRandom random, long rows, long columns) {
    float[] values = new float[Math.toIntExact(rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() - 0.5);
    }
    return Tensor.ofFloats(values, rows, columns);
  }

  /** The model with an adapter merged into its weights, {@code W + 2 B A}. */
  static ModelArtifact merged(ModelArtifact model, PeftAdapter adapter) {
    Map<String, Tensor> weights = new LinkedHashMap<>(model.weights().tensors());
    for (String layer : adapter.modules()) {
      Tensor a = adapter.tensors().get(layer + ".lora_A.weight");
      Tensor b = adapter.tensors().get(layer + ".lora_B.weight");
      Tensor weight = weights.get(layer + ".weight");
      int in = (int) a.size(1);
      int rank = (int) a.size(0);
      float[] sums = weight.floats().clone();
      for (int i = 0; i < sums.length; i++) {
        for (int k = 0; k < rank; k++) {
          sums[i] += 2 * b.floats()[i / in * rank + k] * a.floats()[k * in + i % in];
        }
      }
      weights.put(layer + ".weight", Tensor.ofFloats(sums, weight.shape()));
    }
    return artifact(model.graph(), Weights.of(weights), model.task(), Optional.empty());
  }

  /** A token for each of the letters a to z; anything else is token 26. */
  private static final class Letters implements Tokenizer {
    @Override
    public int[] encode(String text, int maximumLength) {
      return text.chars().limit(maximumLength).map(Letters::id).toArray();
    }

    private static int id(int letter) {
      return letter >= 'a' && letter <= 'z' ? letter - 'a' : 26;
    }

    @Override
    public List<Token> tokenize(String text) {
      List<Token> tokens = new ArrayList<>();
      for (int i = 0; i < text.length(); i++) {
        tokens.add(new Token(id(text.charAt(i)), i, i + 1));
      }
      return tokens;
    }

    @Override
    public String decode(int[] ids) {
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        text.append(id < 26 ? (char) ('a' + id) : '.');
      }
      return text.toString();
    }

    @Override
    public OptionalInt id(String token) {
      return OptionalInt.empty();
    }

    @Override
    public int vocabularySize() {
      return TinyLanguageModels.VOCABULARY;
    }

    @Override
    public int paddingId() {
      return 28;
    }

    @Override
    public String json() {
      return "{}";
    }
  }
}
