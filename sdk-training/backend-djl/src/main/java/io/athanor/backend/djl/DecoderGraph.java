package io.athanor.backend.djl;

import io.athanor.api.backend.Support;
import io.athanor.api.common.DType;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Op;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.TensorType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What decoding needs to know of a graph. Its values are of three kinds: some have one element for
 * each row and no positions; of others the last position is enough, even while a prompt is read;
 * the rest, on which the keys and values of an attention depend, are wanted at all positions.
 */
final class DecoderGraph {
  static final String OUTPUT = "output";

  private static final String TOKENS = LanguageEncoding.TOKENS;

  private final Graph graph;
  private final Dim batch;
  private final String sequence;
  private final Set<String> whole = new HashSet<>();
  private final List<Node> attentions = new ArrayList<>();

  private DecoderGraph(Graph graph, Input tokens) {
    this.graph = graph;
    Shape shape = tokens.type().shape();
    this.batch = shape.dim(0);
    this.sequence = Objects.requireNonNullElse(shape.dim(1).symbol(), "");
  }

  /**
   * Analyses a graph.
   *
   * @param graph without loss and targets
   * @throws io.athanor.api.error.UnsupportedException if it cannot be decoded
   */
  static DecoderGraph of(Graph graph) {
    check(graph).require();
    DecoderGraph decoded = unchecked(graph);
    decoded.mark();
    return decoded;
  }

  private static DecoderGraph unchecked(Graph graph) {
    return new DecoderGraph(
        graph,
        graph.inputs().stream().filter(i -> i.name().equals(TOKENS)).findFirst().orElseThrow());
  }

  /** Whether a graph, without loss and targets, can be decoded. */
  static Support check(Graph graph) {
    if (!graph.hasInput(TOKENS)) {
      return no("the graph '" + graph.name() + "' has no input '" + TOKENS + "'");
    }
    TensorType tokens = graph.type(TOKENS);
    Shape ids = tokens.shape();
    if (tokens.dtype() != DType.I64
        || ids.rank() != 2
        || symbolMissing(ids.dim(0))
        || symbolMissing(ids.dim(1))
        || ids.dim(0).equals(ids.dim(1))) {
      return no("input '" + TOKENS + "' is not I64 [batch, sequence] but " + tokens);
    }
    DecoderGraph decoded = unchecked(graph);
    for (Input input : graph.inputs()) {
      if (!input.name().equals(TOKENS)
          && !input.type().shape().dims().equals(List.of(decoded.batch))) {
        return no(
            "input '"
                + input.name()
                + "' does not have one element for each row but shape "
                + input.type().shape());
      }
    }
    for (Node node : graph.nodes()) {
      String problem = decoded.problem(node);
      if (problem != null) {
        return no("layer '" + node.name() + "' " + problem);
      }
    }
    String value = graph.outputs().get(OUTPUT);
    if (value == null) {
      return no("the graph '" + graph.name() + "' has no output '" + OUTPUT + "'");
    }
    Shape logits = graph.type(value).shape();
    if (logits.rank() != 3 || !decoded.sequence(value) || !logits.dim(2).fixed()) {
      return no("output '" + OUTPUT + "' is not [batch, sequence, vocabulary] but " + logits);
    }
    return new Support.Supported();
  }

  private static boolean symbolMissing(Dim dim) {
    return dim.symbol() == null || dim.offset() != 0;
  }

  private static Support no(String reason) {
    return new Support.Unsupported(
        "decoding, as " + reason,
        "Run whole sequences through Backend.compile and CompiledModel.predict instead");
  }

  private @Nullable String problem(Node node) {
    if (node.inputs().stream().noneMatch(this::sequence) && !sequence(node.name())) {
      return null;
    }
    Op op = node.op();
    if (op instanceof SequenceOp.Attention attention) {
      if (!attention.causal()) {
        return "attends to later positions";
      }
      return node.inputs().size() == 4 ? "has an attention mask" : misplaced(node);
    }
    if (op instanceof SequenceOp.SequencePool
        || op instanceof LayerOp.Lstm
        || op instanceof LayerOp.Gru
        || op instanceof LayerOp.Conv2d
        || op instanceof LayerOp.BatchNorm
        || op instanceof ShapeOp.Pool2d) {
      return "mixes positions by " + op.getClass().getSimpleName();
    }
    if (op instanceof ShapeOp.Transpose transpose
        && !transpose.axes().subList(0, 2).equals(List.of(0, 1))) {
      return "moves the axis of positions";
    }
    if ((op instanceof ShapeOp.Reduce reduce && reduce.axes().get(0) < 2)
        || (op instanceof ShapeOp.Concat concat && concat.axis() < 2)
        || (alongLastAxis(op) && graph.type(node.inputs().get(0)).shape().rank() < 3)) {
      return "works along the axis of positions";
    }
    return misplaced(node);
  }

  private static boolean alongLastAxis(Op op) {
    return op instanceof ElementOp.Softmax
        || op instanceof ElementOp.LogSoftmax
        || op instanceof ElementOp.Normalize;
  }

  private @Nullable String misplaced(Node node) {
    Shape shape = node.type().shape();
    for (int axis = 0; axis < shape.rank(); axis++) {
      if (positions(shape.dim(axis)) != (axis == 1)) {
        return "has a result of shape " + shape + ", in which axis 1 alone should be positions";
      }
    }
    return shape.rank() > 1 && shape.dim(0).equals(batch)
        ? null
        : "has a result of shape " + shape + ", which does not begin with the batch";
  }

  private boolean positions(Dim dim) {
    return sequence.equals(dim.symbol());
  }

  private void mark() {
    List<Node> reversed = new ArrayList<>(graph.nodes());
    java.util.Collections.reverse(reversed);
    for (Node node : reversed) {
      if (node.op() instanceof SequenceOp.Attention) {
        attentions.add(0, node);
        whole.addAll(node.inputs().subList(1, 3));
      }
      if (whole.contains(node.name())) {
        whole.addAll(node.inputs());
      }
    }
    whole.removeIf(value -> !sequence(value));
  }

  Graph graph() {
    return graph;
  }

  /** The value with the logits. */
  String logits() {
    return Objects.requireNonNull(graph.outputs().get(OUTPUT));
  }

  int vocabulary() {
    return Math.toIntExact(graph.type(logits()).shape().dim(2).offset());
  }

  /** The nodes that have a cache, in order. */
  List<Node> attentions() {
    return attentions;
  }

  /** The inputs other than the tokens. */
  List<Input> rowInputs() {
    return graph.inputs().stream().filter(input -> !input.name().equals(TOKENS)).toList();
  }

  /** Whether a value has positions, on axis 1. */
  boolean sequence(String value) {
    Shape shape = graph.type(value).shape();
    return shape.rank() > 1 && positions(shape.dim(1));
  }

  /** Whether a prompt needs the value at all positions. */
  boolean whole(String value) {
    return whole.contains(value);
  }

  /** How many positions of a value come before those of the tokens. */
  int virtual(String value) {
    return Math.toIntExact(graph.type(value).shape().dim(1).offset());
  }

  /** The names of the sizes of {@code rows} and positions. */
  java.util.Map<String, Long> sizes(long rows, long positions) {
    return java.util.Map.of(Objects.requireNonNull(batch.symbol()), rows, sequence, positions);
  }
}
