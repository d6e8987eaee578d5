package io.athanor.backend.dl4j;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Writes a graph as a SameDiff program for one set of sizes, so that every shape is fixed. Tensors
 * of the batch, parameters, and what Java makes of them come in as placeholders: the program is a
 * function of these and holds no state.
 */
final class ProgramWriter {
  private final SameDiff program = SameDiff.create();
  private final Graph graph;
  private final Map<String, Long> sizes;
  private final Purpose purpose;
  private final Set<String> ofHost;
  private final Map<String, SDVariable> values = new HashMap<>();
  private final Map<String, SDVariable> parameters = new LinkedHashMap<>();
  private final Map<String, SDVariable> results = new LinkedHashMap<>();
  private final List<Program.Fed> feeds = new ArrayList<>();
  private final List<Program.Gathered> gathered = new ArrayList<>();
  private final List<Program.Moving> moving = new ArrayList<>();
  private final Backward backward = new Backward(program);

  private ProgramWriter(Graph graph, Map<String, Long> sizes, Purpose purpose) {
    this.graph = graph;
    this.sizes = sizes;
    this.purpose = purpose;
    this.ofHost = HostValues.names(graph);
  }

  /**
   * @param graph to predict with, or to train
   * @param sizes what the symbols of its shapes stand for
   * @throws GraphException if a layer does not take values of these sizes
   */
  static Program write(Graph graph, Map<String, Long> sizes, Purpose purpose) {
    ProgramWriter writer = new ProgramWriter(graph, sizes, purpose);
    Collection<String> wanted =
        purpose == Purpose.PREDICT ? graph.outputs().values() : graph.loss().stream().toList();
    OpWriter ops = new OpWriter(writer);
    for (Node node : writer.needed(wanted)) {
      writer.values.put(node.name(), node.op().accept(ops, node));
    }
    for (String name : wanted) {
      if (!writer.ofHost.contains(name)) {
        writer.results.put(name, writer.value(name));
      }
    }
    Map<String, String> gradients =
        purpose == Purpose.TRAIN ? writer.gradients() : Map.<String, String>of();
    return new Program(
        writer.program,
        names(writer.results),
        names(writer.parameters),
        writer.feeds,
        gradients,
        writer.gathered,
        writer.moving);
  }

  /** The nodes that give some values, or move statistics, and that Java does not compute. */
  private Collection<Node> needed(Collection<String> wanted) {
    Set<String> names = new HashSet<>(wanted);
    List<Node> nodes = new ArrayList<>(graph.nodes());
    ArrayDeque<Node> needed = new ArrayDeque<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      boolean moves = training() && node.op() instanceof LayerOp.BatchNorm;
      if ((names.contains(node.name()) || moves) && !ofHost.contains(node.name())) {
        names.addAll(node.inputs());
        needed.addFirst(node);
      }
    }
    return needed;
  }

  private static Map<String, String> names(Map<String, SDVariable> variables) {
    Map<String, String> names = new LinkedHashMap<>();
    variables.forEach((name, variable) -> names.put(name, variable.name()));
    return names;
  }

  /** The gradient's variable for that of each trained parameter and of gathered rows. */
  private Map<String, String> gradients() {
    Set<String> wanted = new HashSet<>();
    parameters.forEach(
        (name, variable) -> {
          if (graph.parameter(name).trained()) {
            wanted.add(variable.name());
          }
        });
    gathered.forEach(rows -> wanted.add(rows.variable()));
    SDVariable loss = value(graph.loss().orElseThrow());
    return names(backward.of(loss, wanted));
  }

  SameDiff program() {
    return program;
  }

  boolean training() {
    return purpose == Purpose.TRAIN;
  }

  Graph graph() {
    return graph;
  }

  /** The operation that counts the positions in a value, if one does. */
  Optional<SequenceOp.PositionIds> counted(String value) {
    return graph.nodes().stream()
        .filter(node -> node.name().equals(value))
        .map(Node::op)
        .filter(SequenceOp.PositionIds.class::isInstance)
        .map(SequenceOp.PositionIds.class::cast)
        .findFirst();
  }

  DType dtype(Node node, int input) {
    return graph.type(node.inputs().get(input)).dtype();
  }

  long[] shape(Node node, int input) {
    return graph.type(node.inputs().get(input)).shape().resolve(sizes);
  }

  long[] shape(Node node) {
    return node.type().shape().resolve(sizes);
  }

  long[] shapeOf(String parameter) {
    return graph.parameter(parameter).shape().resolve(Map.of());
  }

  SDVariable in(Node node, int input) {
    return value(node.inputs().get(input));
  }

  /** A value written before, or one that Java computes. */
  SDVariable value(String name) {
    SDVariable known = values.get(name);
    if (known == null) {
      if (!ofHost.contains(name)) {
        throw new IllegalStateException("'" + name + "' is read before it is written");
      }
      Feed copy = (into, call) -> into.put(call.values().value(name).floatBuffer());
      known = feed(copy, graph.type(name).shape().resolve(sizes));
      values.put(name, known);
    }
    return known;
  }

  SDVariable parameter(String name) {
    return parameters.computeIfAbsent(
        name, key -> placeholder("parameter_" + parameters.size(), shapeOf(key)));
  }

  /** A placeholder that Java fills before each run. */
  SDVariable feed(Feed feed, long... shape) {
    String name = "feed_" + feeds.size();
    feeds.add(new Program.Fed(name, NativeArray.zeros(shape), feed));
    return placeholder(name, shape);
  }

  private SDVariable placeholder(String name, long... shape) {
    return program.placeHolder(name, DataType.FLOAT, shape);
  }

  SDVariable constant(float[] values, long... shape) {
    return program.constant(Nd4j.createFromArray(values).reshape('c', shape));
  }

  /**
   * Slabs of a parameter along its first axis, one for each id. Java looks them up, and adds up
   * their gradients.
   */
  SDVariable gather(Node node, int input, String parameter) {
    long[] table = shapeOf(parameter);
    long[] idShape = shape(node, input);
    int width = Math.toIntExact(Tensor.elements(table) / table[0]);
    Ids ids = Ids.rows(graph, node, input, table[0]);
    long[] shape = Arrays.copyOf(idShape, idShape.length + table.length - 1);
    System.arraycopy(table, 1, shape, idShape.length, table.length - 1);
    Feed lookUp =
        (into, call) -> {
          FloatBuffer from = call.parameters().get(parameter).reading();
          for (int id : ids.of(call)) {
            into.put(from.slice(id * width, width));
          }
        };
    SDVariable rows = feed(lookUp, shape);
    if (training() && graph.parameter(parameter).trained()) {
      gathered.add(new Program.Gathered(parameter, rows.name(), ids, width));
    }
    return rows;
  }

  /** Lets running statistics follow those of the batch. */
  void move(LayerOp.BatchNorm op, SDVariable mean, SDVariable variance, long count) {
    Program.Moving statistics =
        new Program.Moving(op, "mean " + moving.size(), "variance " + moving.size(), count);
    results.put(statistics.meanResult(), mean);
    results.put(statistics.varianceResult(), variance);
    moving.add(statistics);
  }

  /** Factors under dropout; only in training. */
  SDVariable keep(double rate, long... shape) {
    float kept = (float) (1 / (1 - rate));
    return feed(
        (into, call) -> {
          while (into.hasRemaining()) {
            into.put(call.dropout().nextDouble() < rate ? 0 : kept);
          }
        },
        shape);
  }

  /** A variable that lets no gradient through. */
  SDVariable detached(SDVariable variable) {
    backward.hold(variable);
    return variable;
  }

  /**
   * {@code x y}, or {@code x y^T}, of matrices or of stacks of them. The derivative that SameDiff
   * has of a product is wrong where a size is 1.
   */
  SDVariable product(SDVariable x, SDVariable y, boolean transposed) {
    SDVariable z = program.mmul(x, y, false, transposed, false);
    backward.replace(
        z,
        gradient ->
            transposed
                ? List.of(
                    program.mmul(gradient, y, false, false, false),
                    program.mmul(gradient, x, true, false, false))
                : List.of(
                    program.mmul(gradient, y, false, true, false),
                    program.mmul(x, gradient, true, false, false)));
    return z;
  }

  /**
   * One number for all elements along some axes. An axis of one element is not reduced: SameDiff
   * fails to.
   *
   * @param shape of {@code x}
   * @param keep whether the axes stay, with size 1
   */
  SDVariable reduced(Statistic statistic, SDVariable x, long[] shape, boolean keep, int... axes) {
    long elements = 1;
    for (int axis : axes) {
      elements *= shape[axis];
    }
    if (elements == 1) {
      return reshaped(x, without(shape, keep, axes));
    }
    return switch (statistic) {
      case SUM -> program.sum(x, keep, axes);
      case MEAN -> program.mean(x, keep, axes);
      case MAX -> program.max(x, keep, axes);
    };
  }

  private static long[] without(long[] shape, boolean keep, int... axes) {
    return IntStream.range(0, shape.length)
        .filter(i -> keep || IntStream.of(axes).noneMatch(axis -> axis == i))
        .mapToLong(i -> shape[i])
        .toArray();
  }

  SDVariable reshaped(SDVariable x, long... shape) {
    return program.reshape(x, shape);
  }

  /** All axes but the last as one. */
  SDVariable rows(SDVariable x, long... shape) {
    long size = shape[shape.length - 1];
    return shape.length == 2 ? x : reshaped(x, Tensor.elements(shape) / size, size);
  }
}
