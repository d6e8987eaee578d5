package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Recurrent network for text: embedded tokens through LSTM or GRU layers, left to right, then one
 * vector for the sequence. Padding comes last and so never reaches a real position. The default
 * pooling takes each element's largest value over the real positions (Conneau et al. 2017). Numbers
 * and categories beside the text join before the last layer.
 *
 * <pre>{@code
 * b batch   t tokens   e embedding   h hidden   o outputs
 * I64 [b, t] -> embedding -> [b, t, e] -> lstm -> [b, t, h] -> .. -> pool -> [b, h] -> linear -> [b, o]
 * }</pre>
 */
public final class RecurrentText implements Architecture {
  /** The recurrent cell. */
  public enum Cell {
    LSTM,
    GRU
  }

  private final Cell cell;
  private final List<Integer> hidden;
  private final int embeddingSize;
  private final SequencePool.Kind pooling;
  private final double dropout;

  private RecurrentText(
      Cell cell,
      List<Integer> hidden,
      int embeddingSize,
      SequencePool.Kind pooling,
      double dropout) {
    this.cell = cell;
    this.hidden = hidden;
    this.embeddingSize = embeddingSize;
    this.pooling = pooling;
    this.dropout = dropout;
  }

  /** With embeddings of size 64, max pooling and dropout of 0.1. */
  public static RecurrentText of(Cell cell, int... hidden) {
    return new RecurrentText(
        cell, Settings.sizes("hidden", 1, hidden), 64, SequencePool.Kind.MAX, 0.1);
  }

  /** The size of a token's vector, at least 1. */
  public RecurrentText embeddingSize(int size) {
    return new RecurrentText(
        cell, hidden, Settings.atLeastOne("embeddingSize", size), pooling, dropout);
  }

  /** How positions become one vector. */
  public RecurrentText pooling(SequencePool.Kind kind) {
    return new RecurrentText(cell, hidden, embeddingSize, kind, dropout);
  }

  /** The probability of dropping an element between layers, in [0, 1). */
  public RecurrentText dropout(double rate) {
    return new RecurrentText(cell, hidden, embeddingSize, pooling, Settings.rate("dropout", rate));
  }

  @Override
  public String name() {
    return cell.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public Map<String, Object> config() {
    return Map.of(
        "hidden", hidden,
        "embeddingSize", embeddingSize,
        "pooling", pooling.name().toLowerCase(Locale.ROOT),
        "dropout", dropout);
  }

  @Override
  public Graph graph(Signature signature) {
    DataFit fit = new DataFit(name(), signature);
    Feature.Tokens tokens = fit.only(Feature.Tokens.class, "one text column");
    GraphBuilder g = fit.graph();
    Value ids = fit.ids(tokens);
    Value mask = fit.mask(tokens);
    Value x =
        g.embedding(
            "embedding",
            ids,
            tokens.vocabularySize(),
            embeddingSize,
            1 / Math.sqrt((double) embeddingSize)); // [b, t, e]
    for (int layer = 0; layer < hidden.size(); layer++) {
      x = recurrent(g, layer, g.dropout(x, dropout)); // [b, t, h]
    }
    Value rows = g.sequencePool(pooling, x, mask); // [b, h]
    return fit.finish(g.dropout(fit.withVector(rows), dropout));
  }

  /** Parameters of all layers bear the names of one PyTorch module. */
  private Value recurrent(GraphBuilder g, int layer, Value x) {
    long size = hidden.get(layer);
    long gates = cell == Cell.LSTM ? 4 : 3;
    Initializer initializer = new Initializer.Uniform(1 / Math.sqrt((double) size));
    long in = x.shape().dim(-1).offset();
    String end = "_l" + layer;
    String inputWeight = g.parameter(name() + ".weight_ih" + end, initializer, gates * size, in);
    String hiddenWeight = g.parameter(name() + ".weight_hh" + end, initializer, gates * size, size);
    String inputBias = g.parameter(name() + ".bias_ih" + end, initializer, gates * size);
    String hiddenBias = g.parameter(name() + ".bias_hh" + end, initializer, gates * size);
    return g.apply(
        name() + end,
        cell == Cell.LSTM
            ? new LayerOp.Lstm(inputWeight, hiddenWeight, inputBias, hiddenBias)
            : new LayerOp.Gru(inputWeight, hiddenWeight, inputBias, hiddenBias),
        x);
  }
}
