package io.athanor.training.tuning;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.Value;
import io.athanor.api.training.Lora;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Puts trained vectors before the vectors of the tokens, and takes their positions away again after
 * the last operation that looks from one position to another. All that was there is frozen but the
 * head.
 *
 * <p>[b, t] ids {@code ->} [b, t, d] embedding {@code ->} [b, n + t, d] up to the last attention
 * {@code ->} [b, t, d].
 */
final class PromptRewrite extends Rewrite {
  static final String PARAMETER = "prompt_embeddings";

  private static final String REMEDY = "Tune it with Lora instead";
  private static final String LENGTHENED = ".lengthened";
  private static final String SHORTENED = ".shortened";

  private final int count;
  private final Node embedding;
  private final List<Dim> row;
  private final String last;
  private final Set<String> lengthened = new HashSet<>();
  private final Map<String, Value> masks = new HashMap<>();
  private final Map<String, Value> shortened = new HashMap<>();
  private Value start;
  private boolean over;

  PromptRewrite(Graph source, int count) {
    super(source);
    this.count = count;
    this.embedding = tokenEmbedding(source);
    this.row = embedding.type().shape().dims().subList(0, 2);
    this.last = lastLook(source);
    this.start = new Value(embedding.name(), embedding.type());
  }

  /** The table that gives the tokens' vectors. */
  static LayerOp.Embedding table(Graph graph) {
    return (LayerOp.Embedding) tokenEmbedding(graph).op();
  }

  private static Node tokenEmbedding(Graph graph) {
    List<Node> found =
        graph.nodes().stream()
            .filter(node -> node.op() instanceof LayerOp.Embedding)
            .filter(node -> graph.hasInput(node.inputs().get(0)))
            .filter(node -> node.type().shape().rank() == 3)
            .toList();
    if (found.size() != 1) {
      throw new UnsupportedException(
          "virtual tokens need one table that reads the tokens, and '"
              + graph.name()
              + "' has "
              + Names.some(found.stream().map(Node::name).toList()),
          REMEDY);
    }
    return found.get(0);
  }

  /**
   * What is wrong where a table of learned positions is too short for virtual tokens before the
   * longest text.
   */
  static List<String> lackOfPositions(Graph graph, int count, Signature signature) {
    String ids = tokenEmbedding(graph).inputs().get(0);
    int longest =
        signature.features().stream()
            .filter(feature -> feature.name().equals(ids) && feature instanceof Feature.Tokens)
            .mapToInt(feature -> ((Feature.Tokens) feature).maximumLength())
            .findFirst()
            .orElse(0);
    Map<String, Integer> firsts = new HashMap<>();
    List<String> problems = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof SequenceOp.PositionIds positions) {
        firsts.put(node.name(), positions.first());
      } else if (node.op() instanceof LayerOp.Embedding table
          && firsts.containsKey(node.inputs().get(0))) {
        long rows = graph.parameter(table.weight()).shape().dim(0).offset();
        long room = rows - firsts.get(node.inputs().get(0)) - count;
        if (longest > room) {
          problems.add(
              count
                  + " virtual tokens leave "
                  + Math.max(0, room)
                  + " of the positions of '"
                  + table.weight()
                  + "' to the text, which may have "
                  + longest
                  + " tokens. Use a shorter context, fewer virtual tokens, a model with rotary"
                  + " positions, or Lora");
        }
      }
    }
    return problems;
  }

  private static String lastLook(Graph graph) {
    String last = null;
    for (Node node : graph.nodes()) {
      if (node.op() instanceof SequenceOp.Attention
          || node.op() instanceof LayerOp.Lstm
          || node.op() instanceof LayerOp.Gru) {
        last = node.name();
      }
    }
    if (last == null) {
      throw new UnsupportedException(
          "no position of '" + graph.name() + "' sees another, so virtual tokens have no effect",
          REMEDY);
    }
    return last;
  }

  @Override
  protected Optional<Parameter> parameter(Parameter parameter) {
    if (parameter.role() == Parameter.Role.STATISTIC) {
      return Optional.of(parameter);
    }
    boolean head = Names.within(Lora.HEADS, parameter.name());
    return Optional.of(parameter.withRole(head ? Parameter.Role.TRAINED : Parameter.Role.FROZEN));
  }

  /** The embedding comes first, because positions are counted along its lengthened result. */
  @Override
  protected void begin() {
    long size = embedding.type().shape().dim(2).offset();
    String weight = target.parameter(PARAMETER, new Initializer.Normal(0.02), count, size);
    Value tokens = same(embedding);
    start = target.apply(PARAMETER, new LayerOp.VirtualTokens(weight), tokens);
  }

  @Override
  protected Value node(Node node) {
    if (node.name().equals(embedding.name())) {
      lengthened.add(node.name());
      return start;
    }
    boolean counts =
        node.op() instanceof SequenceOp.PositionIds || node.op() instanceof SequenceOp.ConstantIds;
    if (counts && !over && isRow(source.type(node.inputs().get(0)).shape())) {
      lengthened.add(node.name());
      return target.apply(node.name(), node.op(), start);
    }
    boolean reads = node.inputs().stream().anyMatch(lengthened::contains);
    if (!reads) {
      return same(node);
    }
    if (over) {
      return target.apply(
          node.name(), node.op(), node.inputs().stream().map(this::shorter).toArray(Value[]::new));
    }
    if (node.op() instanceof SequenceOp.SequencePool) {
      throw new UnsupportedException(
          "'" + source.name() + "' pools at '" + node.name() + "' before its last attention",
          REMEDY);
    }
    Value[] inputs = node.inputs().stream().map(this::longer).toArray(Value[]::new);
    Value result = target.apply(node.name(), node.op(), inputs);
    lengthened.add(node.name());
    if (node.name().equals(last)) {
      over = true;
    }
    return result;
  }

  private boolean isRow(Shape shape) {
    return shape.rank() >= 2 && shape.dims().subList(0, 2).equals(row);
  }

  /** A value with the further positions. */
  private Value longer(String name) {
    Value value = value(name);
    if (lengthened.contains(name) || !isRow(value.shape())) {
      return value;
    }
    Optional<Input> input =
        source.inputs().stream().filter(other -> other.name().equals(name)).findFirst();
    if (input.isEmpty() || value.shape().rank() != 2 || !value.type().dtype().floating()) {
      throw new UnsupportedException(
          "virtual tokens cannot go through '" + name + "' of '" + source.name() + "'", REMEDY);
    }
    return masks.computeIfAbsent(
        name, mask -> target.apply(mask + LENGTHENED, new SequenceOp.Prepend(count, 1), value));
  }

  /** A value without the further positions. */
  private Value shorter(String name) {
    Value value = value(name);
    if (!lengthened.contains(name)) {
      return value;
    }
    return shortened.computeIfAbsent(
        name, longer -> target.apply(longer + SHORTENED, new SequenceOp.Skip(count), value));
  }
}
