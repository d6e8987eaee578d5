package io.athanor.model.arch;

import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Value;
import java.util.List;

/**
 * GPT-2 (Radford et al. 2019) and what was trained from it, such as DialoGPT, with the names of
 * Hugging Face's classes {@code GPT2LMHeadModel} and {@code GPT2ForSequenceClassification}.
 *
 * <pre>{@code
 * b batch   t tokens   d size   n heads   f feed-forward size   V vocabulary
 * I64 [b, t] -> embeddings of tokens and positions -> [b, t, d] -> layers -> norm -> linear -> [b, t, V]
 * layer: x + attention(norm(x)), then x + feedForward(norm(x)), by way of [b, t, 3 d] and [b, t, f]
 * }</pre>
 */
public final class Gpt2 implements LanguageModel {
  static final String NAME = "gpt2";

  private static final String MODEL = "transformer.";
  private static final String EMBEDDING = MODEL + "wte";

  private final ModelConfig config;
  private final int vocabulary;
  private final int layers;
  private final int size;
  private final int heads;
  private final int feedForward;
  private final Activation.Kind activation;
  private final double epsilon;
  private final boolean scaled;
  private final boolean scaledByLayer;
  private final boolean tied;

  Gpt2(ModelConfig config) {
    config.refuse("add_cross_attention", false);
    config.refuse("quantization_config");
    this.config = config;
    this.vocabulary = config.size("vocab_size", 50_257);
    this.layers = config.has("n_layer") ? config.count("n_layer") : 12;
    this.size = config.size("n_embd", 768);
    this.heads = config.has("n_head") ? config.count("n_head") : 12;
    this.feedForward = config.size("n_inner", Math.multiplyExact(4, size));
    this.activation = config.activation("activation_function", "gelu_new");
    this.epsilon = config.positive("layer_norm_epsilon", 1e-5);
    this.scaled = config.flag("scale_attn_weights", true);
    this.scaledByLayer = config.flag("scale_attn_by_inverse_layer_idx", false);
    this.tied = config.flag("tie_word_embeddings", true);
    if (size % heads != 0) {
      throw config.expected("n_head", "a divisor of n_embd " + size);
    }
  }

  @Override
  public String name() {
    return NAME;
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

  /** Hugging Face's {@code Conv1D}, unlike its other layers, holds {@code [in, out]}. */
  @Override
  public boolean transposed(String parameter) {
    return List.of(".c_attn.weight", ".c_proj.weight", ".c_fc.weight").stream()
        .anyMatch(parameter::endsWith);
  }

  @Override
  public String className(Task task) {
    boolean scores = task instanceof Task.Classification || task instanceof Task.Regression;
    return scores ? "GPT2ForSequenceClassification" : "GPT2LMHeadModel";
  }

  @Override
  public int contextLength() {
    return config.size("n_positions", config.size("n_ctx", 1024));
  }

  @Override
  public Graph graph(Signature signature) {
    double deviation = config.positive("initializer_range", 0.02);
    TextTask text = new TextTask(this, signature, vocabulary, deviation);
    GraphBuilder g = text.graph();
    Value token = text.embedding(EMBEDDING, text.ids(), vocabulary, size); // [b, t, d]
    Value position =
        text.embedding(MODEL + "wpe", g.positionIds(text.ids()), contextLength(), size);
    Value x = g.dropout(g.add(token, position), config.rate("embd_pdrop", 0.1));
    for (int i = 0; i < layers; i++) {
      String layer = MODEL + "h." + i;
      x = g.add(x, attention(text, layer, i, g.layerNorm(layer + ".ln_1", x, epsilon)));
      x = g.add(x, feedForward(text, layer + ".mlp", g.layerNorm(layer + ".ln_2", x, epsilon)));
    }
    Value last = g.layerNorm(MODEL + "ln_f", x, epsilon);
    return text.decoder(this, last, v -> text.logits(v, vocabulary, tied, EMBEDDING));
  }

  private Value attention(TextTask text, String layer, int index, Value x) {
    GraphBuilder g = text.graph();
    Value all = text.linear(layer + ".attn.c_attn", x, 3L * size, true); // [b, t, 3 d]
    Value q = g.slice(all, 2, 0, size);
    Value k = g.slice(all, 2, size, 2L * size);
    Value v = g.slice(all, 2, 2L * size, 3L * size);
    double scale = (scaled ? 1 / Math.sqrt((double) size / heads) : 1);
    SequenceOp.Attention op =
        new SequenceOp.Attention(
            heads,
            heads,
            true,
            config.rate("attn_pdrop", 0.1),
            scaledByLayer ? scale / (index + 1) : scale);
    Value context = g.apply(layer + ".attn", op, q, k, v); // [b, t, d]
    return dropped(g, text.linear(layer + ".attn.c_proj", context, size, true));
  }

  private Value feedForward(TextTask text, String layer, Value x) {
    GraphBuilder g = text.graph();
    Value inner = g.activation(activation, text.linear(layer + ".c_fc", x, feedForward, true));
    return dropped(g, text.linear(layer + ".c_proj", inner, size, true));
  }

  private Value dropped(GraphBuilder g, Value x) {
    return g.dropout(x, config.rate("resid_pdrop", 0.1));
  }
}
