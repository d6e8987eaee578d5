package io.athanor.model.arch;

import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Llama (Touvron et al. 2023) and its relatives Mistral, Qwen 2, Qwen 2.5, Qwen 3, Gemma and Gemma
 * 2, with the names of Hugging Face's classes: {@code LlamaForCausalLM} for generation and
 * preferences, {@code LlamaForSequenceClassification} for labels and numbers.
 *
 * <pre>{@code
 * b batch   t tokens   d size   n heads   m key heads   h head size   f feed-forward size   V vocabulary
 * I64 [b, t] -> embedding -> [b, t, d] -> layers -> norm -> [b, t, d] -> linear -> [b, t, V]
 * layer:        x + attention(norm(x)), then x + feedForward(norm(x)); Gemma 2: + norm(part(norm(x)))
 * attention:    q [b, t, n h], k and v [b, t, m h]; q and k turned by position -> [b, t, n h] -> [b, t, d]
 * feed-forward: down(activation(gate(x)) * up(x)) by way of [b, t, f]
 * }</pre>
 */
public final class Llama implements LanguageModel {
  private static final String MODEL = "model.";
  private static final String EMBEDDING = MODEL + "embed_tokens";

  private final ModelConfig config;
  private final LlamaOptions options;

  Llama(ModelConfig config) {
    this.config = config;
    this.options = LlamaOptions.of(config);
  }

  /**
   * A new Llama with random weights, for the vocabulary of the data's tokenizer. It reads up to
   * 2048 tokens; its embedding is not its last matrix.
   *
   * @param layers at least 1
   * @param size of a position's vector; a multiple of twice the heads
   * @param heads of queries
   * @param keyHeads of keys and values; divides heads
   * @param feedForward inner size of the feed-forward network
   * @throws io.athanor.api.error.FormatException if the sizes do not fit together
   */
  public static Llama sized(int layers, int size, int heads, int keyHeads, int feedForward) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put(LlamaOptions.TYPE, LlamaOptions.LLAMA);
    entries.put("num_hidden_layers", Settings.atLeastOne("layers", layers));
    entries.put("hidden_size", Settings.atLeastOne("size", size));
    entries.put("num_attention_heads", Settings.atLeastOne("heads", heads));
    entries.put("num_key_value_heads", Settings.atLeastOne("keyHeads", keyHeads));
    entries.put("intermediate_size", Settings.atLeastOne("feedForward", feedForward));
    entries.put("hidden_act", "silu");
    entries.put("rms_norm_eps", 1e-5);
    entries.put("rope_theta", 10_000.0);
    entries.put("initializer_range", 0.02);
    entries.put("tie_word_embeddings", false);
    entries.put("max_position_embeddings", 2048);
    return new Llama(new ModelConfig("the settings of llama", entries));
  }

  /** Most tokens of a sequence, at least 1. */
  public Llama contextLength(int tokens) {
    return with("max_position_embeddings", Settings.atLeastOne("contextLength", tokens));
  }

  /** Whether the embedding is the last matrix too, which suits small models. */
  public Llama tied(boolean tied) {
    return with("tie_word_embeddings", tied);
  }

  /** The wavelength base of the rotary positions, above 1; larger for longer sequences. */
  public Llama ropeBase(double base) {
    if (!(base > 1) || !Double.isFinite(base)) {
      throw new IllegalArgumentException("base must be above 1, got " + base);
    }
    return with("rope_theta", base);
  }

  private Llama with(String entry, Object value) {
    return new Llama(config.with(entry, value));
  }

  @Override
  public String name() {
    return config.text(LlamaOptions.TYPE, LlamaOptions.LLAMA);
  }

  @Override
  public ModelConfig settings() {
    return config;
  }

  @Override
  public String prefix() {
    return MODEL;
  }

  @Override
  public boolean head(String parameter) {
    return parameter.startsWith("score.");
  }

  @Override
  public String className(Task task) {
    boolean scores = task instanceof Task.Classification || task instanceof Task.Regression;
    return LlamaOptions.CLASSES.get(name())
        + (scores ? "ForSequenceClassification" : "ForCausalLM");
  }

  @Override
  public int contextLength() {
    return options.contextLength();
  }

  @Override
  public Graph graph(Signature signature) {
    TextTask text = new TextTask(this, signature, options.vocabulary(), options.deviation());
    return new Layers(text, options).graph(this);
  }

  /** One building of a graph. */
  private record Layers(TextTask text, LlamaOptions options, GraphBuilder g) {
    Layers(TextTask text, LlamaOptions options) {
      this(text, options, text.graph());
    }

    Graph graph(Llama model) {
      int vocabulary = text.vocabulary(options.vocabulary());
      Value x = text.embedding(EMBEDDING, text.ids(), vocabulary, options.size()); // [b, t, d]
      if (options.embeddingScale() != 1) {
        x = g.scale(x, options.embeddingScale());
      }
      for (int i = 0; i < options.windows().size(); i++) {
        x = layer(MODEL + "layers." + i, x, options.windows().get(i));
      }
      Value last = norm(MODEL + "norm", x);
      return text.decoder(model, last, v -> logits(v, vocabulary));
    }

    private Value logits(Value x, int vocabulary) {
      Value logits = text.logits(x, vocabulary, options.tied(), EMBEDDING); // [b, t, V]
      double cap = options.logitCap();
      return cap == 0
          ? logits
          : g.scale(g.activation(Activation.Kind.TANH, g.scale(logits, 1 / cap)), cap);
    }

    private Value layer(String layer, Value x, int window) {
      String after = layer + ".post_attention_layernorm";
      Value attended = attention(layer + ".self_attn", norm(layer + ".input_layernorm", x), window);
      if (!options.sandwich()) {
        Value y = g.add(x, attended);
        return g.add(y, feedForward(layer + ".mlp", norm(after, y)));
      }
      Value y = g.add(x, norm(after, attended));
      Value inner = norm(layer + ".pre_feedforward_layernorm", y);
      String end = layer + ".post_feedforward_layernorm";
      return g.add(y, norm(end, feedForward(layer + ".mlp", inner)));
    }

    private Value attention(String layer, Value x, int window) {
      Value q = turned(projection(layer, "q", x, options.heads())); // [b, t, n h]
      Value k = turned(projection(layer, "k", x, options.keyHeads())); // [b, t, m h]
      Value v = projection(layer, "v", x, options.keyHeads());
      SequenceOp.Attention op =
          new SequenceOp.Attention(
              options.heads(),
              options.keyHeads(),
              true,
              options.dropout(),
              options.attentionScale(),
              window,
              options.attentionCap());
      Value context = g.apply(layer, op, q, k, v); // [b, t, n h]
      return text.linear(layer + ".o_proj", context, options.size(), options.outputBias());
    }

    /** {@code [b, t, d] -> [b, t, heads h]}. */
    private Value projection(String layer, String kind, Value x, int heads) {
      long out = (long) heads * options.headSize();
      Value y = text.linear(layer + "." + kind + "_proj", x, out, options.projectionBias());
      boolean normed = options.headNorm() && !kind.equals("v");
      return normed ? headNorm(layer + "." + kind + "_norm", y) : y;
    }

    /** Normalises each head by itself, all with the same weights. */
    private Value headNorm(String layer, Value x) {
      String weight = g.parameter(layer + ".weight", Initializer.ONES, options.headSize());
      return g.apply(layer, new LayerOp.RmsNorm(weight, options.epsilon()), x);
    }

    private Value turned(Value x) {
      SequenceOp.Rope op =
          new SequenceOp.Rope(options.headSize(), options.ropeBase(), options.ropeScaling());
      return g.apply(x.name() + ".rope", op, x);
    }

    private Value feedForward(String layer, Value x) {
      boolean bias = options.feedForwardBias();
      Value gate = text.linear(layer + ".gate_proj", x, options.feedForward(), bias); // [b, t, f]
      Value up = text.linear(layer + ".up_proj", x, options.feedForward(), bias);
      Value inner = g.multiply(g.activation(options.activation(), gate), up);
      return text.linear(layer + ".down_proj", inner, options.size(), bias);
    }

    private Value norm(String layer, Value x) {
      double offset = options.normOffset();
      String weight =
          g.parameter(layer + ".weight", new Initializer.Constant(1 - offset), options.size());
      return g.apply(layer, new LayerOp.RmsNorm(weight, options.epsilon(), offset), x);
    }
  }
}
