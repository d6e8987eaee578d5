package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.List;
import java.util.Map;

/**
 * The words of a text without their order: the mean of the embedded tokens as in fastText (Joulin
 * et al. 2016), beside it their largest values, which a single telling word decides, then one
 * hidden layer. Numbers and categories beside the text join before it.
 *
 * <pre>{@code
 * b batch   t tokens   e embedding   h hidden   o outputs
 * I64 [b, t] -> embedding -> [b, t, e] -> mean, max -> [b, 2 e] -> linear, relu -> [b, h] -> linear -> [b, o]
 * }</pre>
 */
public final class BagOfWords implements Architecture {
  private final int embeddingSize;
  private final int hidden;
  private final double dropout;

  private BagOfWords(int embeddingSize, int hidden, double dropout) {
    this.embeddingSize = embeddingSize;
    this.hidden = hidden;
    this.dropout = dropout;
  }

  /** With embeddings of size 64, 64 hidden elements and dropout of 0.2. */
  public static BagOfWords defaults() {
    return new BagOfWords(64, 64, 0.2);
  }

  /** The size of a token's vector, at least 1. */
  public BagOfWords embeddingSize(int size) {
    return new BagOfWords(Settings.atLeastOne("embeddingSize", size), hidden, dropout);
  }

  /** The size of the hidden layer, at least 1. */
  public BagOfWords hidden(int size) {
    return new BagOfWords(embeddingSize, Settings.atLeastOne("hidden", size), dropout);
  }

  /** The probability of dropping an element before each linear layer, in [0, 1). */
  public BagOfWords dropout(double rate) {
    return new BagOfWords(embeddingSize, hidden, Settings.rate("dropout", rate));
  }

  @Override
  public String name() {
    return "bag-of-words";
  }

  @Override
  public Map<String, Object> config() {
    return Map.of("embeddingSize", embeddingSize, "hidden", hidden, "dropout", dropout);
  }

  @Override
  public Graph graph(Signature signature) {
    DataFit fit = new DataFit(name(), signature);
    Feature.Tokens tokens = fit.only(Feature.Tokens.class, "one text column");
    GraphBuilder g = fit.graph();
    Value ids = fit.ids(tokens);
    Value mask = fit.mask(tokens);
    Value x =
        g.embedding("embedding", ids, tokens.vocabularySize(), embeddingSize, 0.1); // [b, t, e]
    Value mean = g.sequencePool(SequencePool.Kind.MEAN, x, mask);
    Value max = g.sequencePool(SequencePool.Kind.MAX, x, mask);
    Value rows = fit.withVector(fit.join(List.of(mean, max))); // [b, 2 e + f]
    Value h = g.relu(g.linear("dense", g.dropout(rows, dropout), hidden)); // [b, h]
    return fit.finish(g.dropout(h, dropout));
  }
}
