package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Transformer encoder for text (Vaswani et al. 2017; Devlin et al. 2019): embedded tokens through
 * layers of attention and feed-forward network, the mean over the real positions, a linear layer.
 * Parameters bear the names of Hugging Face's BERT; the norms of pre-norm layers those of its ViT.
 * Numbers and categories beside the text join before the last layer.
 *
 * <pre>{@code
 * b batch   t tokens   d size   n heads   f feed-forward size   o outputs
 * I64 [b, t] -> embeddings -> [b, t, d] -> layers -> [b, t, d] -> masked mean -> [b, d] -> linear -> [b, o]
 * layer, pre-norm:  x + attention(norm(x)), then x + feedForward(norm(x)); one norm after the last layer
 * layer, post-norm: norm(x + attention(x)), then norm(x + feedForward(x)); one norm after the embeddings
 * }</pre>
 */
public final class TextEncoder implements Architecture {
  /** Where layers normalise. */
  public enum Norm {
    /** Before each part; trains without warm-up (Xiong et al. 2020). */
    PRE,
    /** After each sum, as BERT does. */
    POST
  }

  /** How positions are told apart. */
  public enum Positions {
    /** A trained vector for each position, as BERT does. */
    LEARNED,
    /** Rotated queries and keys (Su et al. 2021). */
    ROTARY
  }

  private static final double EPSILON = 1e-5;
  private static final double ROTARY_BASE = 10_000;

  private final int layers;
  private final int size;
  private final int heads;
  private final int feedForward;
  private final Norm norm;
  private final Positions positions;
  private final double dropout;

  private TextEncoder(
      int layers,
      int size,
      int heads,
      int feedForward,
      Norm norm,
      Positions positions,
      double dropout) {
    this.layers = layers;
    this.size = size;
    this.heads = heads;
    this.feedForward = feedForward;
    this.norm = norm;
    this.positions = positions;
    this.dropout = dropout;
  }

  /** 2 pre-norm layers of size 128, 4 heads, feed-forward 512, learned positions, dropout 0.1. */
  public static TextEncoder defaults() {
    return new TextEncoder(2, 128, 4, 512, Norm.PRE, Positions.LEARNED, 0.1);
  }

  /** The number of layers, at least 1. */
  public TextEncoder layers(int count) {
    return new TextEncoder(
        Settings.atLeastOne("layers", count), size, heads, feedForward, norm, positions, dropout);
  }

  /** The size of a position's vector; the feed-forward size becomes four times that. */
  public TextEncoder size(int elements) {
    int checked = Settings.atLeastOne("size", elements);
    return new TextEncoder(
        layers, checked, heads, Math.multiplyExact(4, checked), norm, positions, dropout);
  }

  /** The number of attention heads; divides the size. */
  public TextEncoder heads(int count) {
    return new TextEncoder(
        layers, size, Settings.atLeastOne("heads", count), feedForward, norm, positions, dropout);
  }

  /** The inner size of the feed-forward network, at least 1. */
  public TextEncoder feedForward(int elements) {
    int checked = Settings.atLeastOne("feedForward", elements);
    return new TextEncoder(layers, size, heads, checked, norm, positions, dropout);
  }

  /** Where layers normalise. */
  public TextEncoder norm(Norm where) {
    return new TextEncoder(layers, size, heads, feedForward, where, positions, dropout);
  }

  /** How positions are told apart. */
  public TextEncoder positions(Positions kind) {
    return new TextEncoder(layers, size, heads, feedForward, norm, kind, dropout);
  }

  /** The probability of dropping an element or an attention weight, in [0, 1). */
  public TextEncoder dropout(double rate) {
    return new TextEncoder(
        layers, size, heads, feedForward, norm, positions, Settings.rate("dropout", rate));
  }

  @Override
  public String name() {
    return "text-encoder";
  }

  @Override
  public Map<String, Object> config() {
    return Map.of(
        "layers", layers,
        "size", size,
        "heads", heads,
        "feedForward", feedForward,
        "norm", norm.name().toLowerCase(Locale.ROOT),
        "positions", positions.name().toLowerCase(Locale.ROOT),
        "dropout", dropout);
  }

  @Override
  public Graph graph(Signature signature) {
    checkSizes();
    DataFit fit = new DataFit(name(), signature);
    Feature.Tokens tokens = fit.only(Feature.Tokens.class, "one text column");
    GraphBuilder g = fit.graph();
    Value ids = fit.ids(tokens);
    Value mask = fit.mask(tokens);
    Value x = embed(g, ids, tokens); // [b, t, d]
    for (int i = 0; i < layers; i++) {
      x = norm == Norm.PRE ? preNorm(g, i, x, mask) : postNorm(g, i, x, mask);
    }
    if (norm == Norm.PRE) {
      x = g.layerNorm("layernorm", x, EPSILON);
    }
    Value rows = g.sequencePool(SequencePool.Kind.MEAN, x, mask); // [b, d]
    return fit.finish(g.dropout(fit.withVector(rows), dropout));
  }

  private void checkSizes() {
    List<String> problems = new ArrayList<>();
    if (size % heads != 0) {
      problems.add("heads must divide size, got " + heads + " and " + size);
    } else if (positions == Positions.ROTARY && size / heads % 2 != 0) {
      problems.add("rotary positions need an even size of a head, got " + size / heads);
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("text encoder", problems);
    }
  }

  private Value embed(GraphBuilder g, Value ids, Feature.Tokens tokens) {
    double deviation = 1 / Math.sqrt((double) size);
    Value x =
        g.embedding("embeddings.word_embeddings", ids, tokens.vocabularySize(), size, deviation);
    if (positions == Positions.LEARNED) {
      Value position =
          g.embedding(
              "embeddings.position_embeddings",
              g.positionIds(ids),
              tokens.maximumLength(),
              size,
              deviation);
      x = g.add(x, position);
    }
    if (norm == Norm.POST) {
      x = g.layerNorm("embeddings.LayerNorm", x, EPSILON);
    }
    return g.dropout(x, dropout);
  }

  private Value preNorm(GraphBuilder g, int i, Value x, Value mask) {
    String layer = "encoder.layer." + i;
    Value before = g.layerNorm(layer + ".layernorm_before", x, EPSILON);
    Value y = g.add(x, attention(g, layer + ".attention", before, mask));
    Value after = g.layerNorm(layer + ".layernorm_after", y, EPSILON);
    return g.add(y, feedForward(g, layer, after));
  }

  private Value postNorm(GraphBuilder g, int i, Value x, Value mask) {
    String layer = "encoder.layer." + i;
    Value sum = g.add(x, attention(g, layer + ".attention", x, mask));
    Value y = g.layerNorm(layer + ".attention.output.LayerNorm", sum, EPSILON);
    return g.layerNorm(layer + ".output.LayerNorm", g.add(y, feedForward(g, layer, y)), EPSILON);
  }

  private Value attention(GraphBuilder g, String layer, Value x, Value mask) {
    Value q = g.linear(layer + ".self.query", x, size); // [b, t, n d/n]
    Value k = g.linear(layer + ".self.key", x, size);
    Value v = g.linear(layer + ".self.value", x, size);
    if (positions == Positions.ROTARY) {
      q = g.rope(q, size / heads, ROTARY_BASE);
      k = g.rope(k, size / heads, ROTARY_BASE);
    }
    Value context = g.attention(layer + ".self", heads, false, dropout, q, k, v, mask);
    return g.dropout(g.linear(layer + ".output.dense", context, size), dropout);
  }

  private Value feedForward(GraphBuilder g, String layer, Value x) {
    Value inner = g.gelu(g.linear(layer + ".intermediate.dense", x, feedForward)); // [b, t, f]
    return g.dropout(g.linear(layer + ".output.dense", inner, size), dropout); // [b, t, d]
  }
}
