package io.athanor.model.arch;

import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Value;
import java.util.Map;
import java.util.stream.Stream;

/**
 * BERT (Devlin et al. 2019) and its relatives MiniLM, RoBERTa (Liu et al. 2019) and DistilBERT
 * (Sanh et al. 2019), with the names of Hugging Face's classes: {@code
 * BertForSequenceClassification} for labels and numbers; {@code BertModel}, averaged and of unit
 * length as sentence-transformers does it (Reimers and Gurevych 2019), for embeddings.
 *
 * <pre>{@code
 * b batch   t tokens   d size   n heads   f feed-forward size   o outputs
 * I64 [b, t] -> embeddings of tokens, positions and kind -> norm -> [b, t, d] -> layers -> [b, t, d]
 * layer:     norm(x + attention(x)), then norm(x + feedForward(x)) by way of [b, t, f]
 * scores:    first position [b, d] -> linear, tanh or relu -> linear -> [b, o]
 * embedding: mean over the real positions -> unit length -> [b, d]
 * }</pre>
 */
public final class Bert implements LanguageModel {
  /** What the parts of a layer are called. */
  private record Names(
      String layer,
      String query,
      String key,
      String value,
      String attended,
      String attendedNorm,
      String inner,
      String outer,
      String outerNorm) {}

  private static final String DISTILBERT = "distilbert";
  private static final String ROBERTA = "roberta";

  /** Types of models, and how the names of their classes begin. */
  static final Map<String, String> CLASSES =
      Map.of("bert", "Bert", ROBERTA, "Roberta", DISTILBERT, "DistilBert");

  private static final Names USUAL =
      new Names(
          "encoder.layer.",
          ".attention.self.query",
          ".attention.self.key",
          ".attention.self.value",
          ".attention.output.dense",
          ".attention.output.LayerNorm",
          ".intermediate.dense",
          ".output.dense",
          ".output.LayerNorm");
  private static final Names DISTILLED =
      new Names(
          "transformer.layer.",
          ".attention.q_lin",
          ".attention.k_lin",
          ".attention.v_lin",
          ".attention.out_lin",
          ".sa_layer_norm",
          ".ffn.lin1",
          ".ffn.lin2",
          ".output_layer_norm");

  private final ModelConfig config;
  private final String type;
  private final boolean distilled;
  private final Names names;
  private final int vocabulary;
  private final int layers;
  private final int size;
  private final int heads;
  private final int feedForward;
  private final int positions;
  private final int firstPosition;
  private final Activation.Kind activation;
  private final double epsilon;
  private final double dropout;
  private final double attentionDropout;
  private final double headDropout;

  Bert(ModelConfig config) {
    config.refuse("position_embedding_type", "absolute");
    config.refuse("is_decoder", false);
    config.refuse("add_cross_attention", false);
    config.refuse("pruned_heads", Map.of());
    config.refuse("quantization_config");
    this.config = config;
    this.type = config.text(LlamaOptions.TYPE, "bert");
    this.distilled = type.equals(DISTILBERT);
    this.names = distilled ? DISTILLED : USUAL;
    this.vocabulary = config.size("vocab_size");
    this.layers = config.count(distilled ? "n_layers" : "num_hidden_layers");
    this.size = config.size(distilled ? "dim" : "hidden_size");
    String headsEntry = distilled ? "n_heads" : "num_attention_heads";
    this.heads = config.count(headsEntry);
    this.feedForward = config.size(distilled ? "hidden_dim" : "intermediate_size");
    this.positions = config.size("max_position_embeddings", 512);
    this.firstPosition = type.equals(ROBERTA) ? config.whole("pad_token_id", 1, 0) + 1 : 0;
    this.activation = config.activation(distilled ? "activation" : "hidden_act", "gelu");
    this.epsilon = distilled ? 1e-12 : config.positive("layer_norm_eps", 1e-12);
    this.dropout = config.rate(distilled ? "dropout" : "hidden_dropout_prob", 0.1);
    this.attentionDropout =
        config.rate(distilled ? "attention_dropout" : "attention_probs_dropout_prob", 0.1);
    this.headDropout =
        distilled
            ? config.rate("seq_classif_dropout", 0.2)
            : config.rate("classifier_dropout", dropout);
    if (size % heads != 0) {
      throw config.expected(headsEntry, "a divisor of the size " + size);
    }
    if (contextLength() < 1) {
      throw config.expected("max_position_embeddings", "above " + firstPosition);
    }
  }

  @Override
  public String name() {
    return type;
  }

  @Override
  public ModelConfig settings() {
    return config;
  }

  @Override
  public String prefix() {
    return type + ".";
  }

  @Override
  public boolean head(String parameter) {
    return Stream.of("classifier.", "pre_classifier.", prefix() + "pooler.")
        .anyMatch(parameter::startsWith);
  }

  @Override
  public String className(Task task) {
    boolean embeds = task instanceof Task.Embedding;
    return CLASSES.get(type) + (embeds ? "Model" : "ForSequenceClassification");
  }

  /** RoBERTa counts positions from after the id of its padding. */
  @Override
  public int contextLength() {
    return positions - firstPosition;
  }

  @Override
  public Graph graph(Signature signature) {
    double deviation = config.positive("initializer_range", 0.02);
    TextTask text = new TextTask(this, signature, vocabulary, deviation);
    if (text.task() instanceof Task.Embedding embedding) {
      return text.vectors(body(text, ""), embedding);
    }
    if (!text.scores()) {
      throw cannot(text.task());
    }
    Value x = body(text, prefix()); // [b, t, d]
    Value first = text.graph().sequencePool(SequencePool.Kind.FIRST, x); // [b, d]
    return text.scores(scores(text, first));
  }

  private Value scores(TextTask text, Value first) {
    GraphBuilder g = text.graph();
    if (distilled) {
      Value inner = g.relu(text.linear("pre_classifier", first, size, true));
      return text.linear("classifier", g.dropout(inner, headDropout), text.outputSize(), true);
    }
    if (type.equals(ROBERTA)) {
      Value dropped = g.dropout(first, headDropout);
      Value inner = tanh(g, text.linear("classifier.dense", dropped, size, true));
      Value again = g.dropout(inner, headDropout);
      return text.linear("classifier.out_proj", again, text.outputSize(), true);
    }
    Value pooled = tanh(g, text.linear(prefix() + "pooler.dense", first, size, true));
    return text.linear("classifier", g.dropout(pooled, headDropout), text.outputSize(), true);
  }

  private static Value tanh(GraphBuilder g, Value x) {
    return g.activation(Activation.Kind.TANH, x);
  }

  private Value body(TextTask text, String prefix) {
    GraphBuilder g = text.graph();
    String embeddings = prefix + "embeddings.";
    Value ids = text.ids();
    Value x = text.embedding(embeddings + "word_embeddings", ids, vocabulary, size); // [b, t, d]
    Value at = g.apply("positions", new SequenceOp.PositionIds(firstPosition), ids); // I64 [b, t]
    x = g.add(x, text.embedding(embeddings + "position_embeddings", at, positions, size));
    if (!distilled) {
      Value kind = g.apply("kinds", new SequenceOp.ConstantIds(0), ids); // I64 [b, t]
      int kinds = config.size("type_vocab_size", 2);
      x = g.add(x, text.embedding(embeddings + "token_type_embeddings", kind, kinds, size));
    }
    x = g.dropout(g.layerNorm(embeddings + "LayerNorm", x, epsilon), dropout);
    for (int i = 0; i < layers; i++) {
      x = layer(text, prefix + names.layer() + i, x);
    }
    return x;
  }

  private Value layer(TextTask text, String layer, Value x) {
    GraphBuilder g = text.graph();
    Value sum = g.add(x, attention(text, layer, x));
    Value y = g.layerNorm(layer + names.attendedNorm(), sum, epsilon);
    Value inner = text.linear(layer + names.inner(), y, feedForward, true); // [b, t, f]
    Value outer = text.linear(layer + names.outer(), g.activation(activation, inner), size, true);
    return g.layerNorm(layer + names.outerNorm(), g.add(y, g.dropout(outer, dropout)), epsilon);
  }

  private Value attention(TextTask text, String layer, Value x) {
    Value q = text.linear(layer + names.query(), x, size, true);
    Value k = text.linear(layer + names.key(), x, size, true);
    Value v = text.linear(layer + names.value(), x, size, true);
    Value context =
        text.graph()
            .attention(layer + ".attention", heads, false, attentionDropout, q, k, v, text.mask());
    Value attended = text.linear(layer + names.attended(), context, size, true); // [b, t, d]
    return distilled ? attended : text.graph().dropout(attended, dropout);
  }
}
