package io.athanor.training.tuning;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets a causal language model read several documents in a row: inputs {@link
 * LanguageEncoding#POSITIONS} and {@link LanguageEncoding#SEGMENTS} say where each begins, so that
 * every position counts from there and sees no other document.
 */
public final class PackedGraph extends Rewrite {
  private static final String REMEDY = "Train with one text in a row, without packing";

  private final TensorType tokens;
  private Value positions;
  private Value segments;

  private PackedGraph(Graph source) {
    super(source);
    this.tokens = source.type(LanguageEncoding.TOKENS);
    this.positions = new Value(LanguageEncoding.POSITIONS, tokens);
    this.segments = new Value(LanguageEncoding.SEGMENTS, tokens);
  }

  /**
   * The same model with the further inputs.
   *
   * @throws UnsupportedException if it is not a causal language model
   */
  public static Graph of(Graph graph) {
    if (!graph.hasInput(LanguageEncoding.TOKENS)) {
      throw new UnsupportedException(
          "'" + graph.name() + "' has no input '" + LanguageEncoding.TOKENS + "' to pack", REMEDY);
    }
    return new PackedGraph(graph).rewritten();
  }

  @Override
  protected void begin() {
    positions = target.input(LanguageEncoding.POSITIONS, tokens);
    segments = target.input(LanguageEncoding.SEGMENTS, tokens);
  }

  @Override
  protected Value node(Node node) {
    if (node.op() instanceof SequenceOp.PositionIds ids) {
      require(ids.first() == 0, node, "counts positions from " + ids.first());
      return positions;
    }
    if (node.op() instanceof SequenceOp.Rope && node.inputs().size() == 1) {
      return with(node, positions);
    }
    if (node.op() instanceof SequenceOp.Attention attention) {
      require(attention.causal(), node, "looks ahead");
      require(node.inputs().size() == 3, node, "has a mask");
      return with(node, segments);
    }
    require(!(node.op() instanceof SequenceOp.SequencePool), node, "pools a whole row");
    return same(node);
  }

  private Value with(Node node, Value last) {
    List<Value> from = new ArrayList<>();
    node.inputs().forEach(name -> from.add(value(name)));
    from.add(last);
    return target.apply(node.name(), node.op(), from.toArray(Value[]::new));
  }

  private void require(boolean holds, Node node, String obstacle) {
    if (!holds) {
      throw new UnsupportedException(
          "'" + source.name() + "' cannot read packed rows, its '" + node.name() + "' " + obstacle,
          REMEDY);
    }
  }
}
