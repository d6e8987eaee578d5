package io.athanor.backend.dl4j;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

/**
 * The values of a batch that Java computes: inputs, and what only moves or counts their elements.
 * All integers are among them, so that native code sees none.
 */
final class HostValues {
  private final Map<String, Node> nodes;
  private final Map<String, Long> sizes;
  private final Map<String, Tensor> values = new HashMap<>();

  /**
   * @param graph whose inputs the tensors fit
   * @param sizes what the symbols of its shapes stand for in the tensors
   */
  HostValues(Graph graph, Map<String, Long> sizes, Map<String, Tensor> tensors) {
    this.nodes = nodes(graph);
    this.sizes = sizes;
    for (Input input : graph.inputs()) {
      Tensor tensor = tensors.get(input.name());
      if (tensor != null) {
        values.put(input.name(), tensor);
      }
    }
  }

  private static Map<String, Node> nodes(Graph graph) {
    Map<String, Node> nodes = new HashMap<>();
    graph.nodes().forEach(node -> nodes.put(node.name(), node));
    return nodes;
  }

  /** The names of a graph's values that Java computes. */
  static Set<String> names(Graph graph) {
    Set<String> names = new HashSet<>();
    graph.inputs().forEach(input -> names.add(input.name()));
    for (Node node : graph.nodes()) {
      boolean counts =
          node.op() instanceof SequenceOp.PositionIds
              || node.op() instanceof SequenceOp.ConstantIds;
      boolean moves =
          node.op() instanceof SequenceOp.Prepend
              || node.op() instanceof SequenceOp.Skip
              || node.op() instanceof ShapeOp.Reshape
              || node.op() instanceof ShapeOp.Transpose
              || node.op() instanceof ShapeOp.Concat
              || node.op() instanceof ShapeOp.Slice;
      if (counts || (moves && names.containsAll(node.inputs()))) {
        names.add(node.name());
      }
    }
    return names;
  }

  /** The name of the input that a value's elements come from, for messages. */
  static String source(Graph graph, String value) {
    Map<String, Node> nodes = nodes(graph);
    String name = value;
    Node node = nodes.get(name);
    while (node != null
        && !(node.op() instanceof SequenceOp.PositionIds)
        && !(node.op() instanceof SequenceOp.ConstantIds)) {
      name = node.inputs().get(0);
      node = nodes.get(name);
    }
    return name;
  }

  Tensor value(String name) {
    Tensor known = values.get(name);
    if (known == null) {
      Node node = nodes.get(name);
      if (node == null) {
        throw new GraphException(name, "expected a tensor of this name, got " + values.keySet());
      }
      known = compute(node);
      values.put(name, known);
    }
    return known;
  }

  private Tensor compute(Node node) {
    if (node.op() instanceof SequenceOp.PositionIds op) {
      return ids(node, column -> op.first() + (long) column);
    }
    if (node.op() instanceof SequenceOp.ConstantIds op) {
      return ids(node, column -> op.id());
    }
    Tensor x = value(node.inputs().get(0));
    long[] shape = x.shape();
    if (node.op() instanceof SequenceOp.Prepend op) {
      return concat(List.of(filled(x.dtype(), op.value(), shape[0], op.count()), x), 1);
    }
    if (node.op() instanceof SequenceOp.Skip op) {
      return slice(x, 1, op.count(), shape[1]);
    }
    if (node.op() instanceof ShapeOp.Slice op) {
      return slice(x, op.axis(), op.from(), op.to());
    }
    if (node.op() instanceof ShapeOp.Concat op) {
      return concat(node.inputs().stream().map(this::value).toList(), op.axis());
    }
    if (node.op() instanceof ShapeOp.Transpose op) {
      return transpose(x, op.axes());
    }
    if (node.op() instanceof ShapeOp.Reshape op) {
      long[] sizes =
          IntStream.rangeClosed(0, op.sizes().size())
              .mapToLong(i -> i == 0 ? shape[0] : op.sizes().get(i - 1))
              .toArray();
      return Tensor.of(x.dtype(), x.bytes(), sizes);
    }
    throw new IllegalStateException("Java does not compute " + node.op());
  }

  /** An id for each row and position. */
  private Tensor ids(Node node, IntToLongFunction idOfColumn) {
    long[] shape = node.type().shape().resolve(sizes);
    int columns = Math.toIntExact(shape[1]);
    long[] ids =
        IntStream.range(0, Math.toIntExact(shape[0] * columns))
            .mapToLong(i -> idOfColumn.applyAsLong(i % columns))
            .toArray();
    return Tensor.ofLongs(ids, shape);
  }

  private static Tensor filled(DType dtype, long value, long rows, long count) {
    ByteBuffer bytes = Tensor.allocate(dtype, rows * count);
    while (bytes.hasRemaining()) {
      if (dtype == DType.I64) {
        bytes.putLong(value);
      } else {
        bytes.putFloat((float) value);
      }
    }
    return Tensor.of(dtype, bytes.flip(), rows, count);
  }

  /** Bytes from one index of an axis to the next. */
  private static int step(Tensor x, int axis) {
    long step = x.dtype().bytes();
    for (int i = axis + 1; i < x.rank(); i++) {
      step *= x.size(i);
    }
    return Math.toIntExact(step);
  }

  private static Tensor concat(List<Tensor> parts, int axis) {
    Tensor first = parts.get(0);
    long[] shape = first.shape();
    shape[axis] = parts.stream().mapToLong(part -> part.size(axis)).sum();
    ByteBuffer bytes = Tensor.allocate(first.dtype(), Tensor.elements(shape));
    int step = step(first, axis);
    while (bytes.hasRemaining()) {
      int done = bytes.position() / (step * (int) shape[axis]);
      for (Tensor part : parts) {
        int block = step * (int) part.size(axis);
        bytes.put(part.bytes().slice(done * block, block));
      }
    }
    return Tensor.of(first.dtype(), bytes.flip(), shape);
  }

  private static Tensor slice(Tensor x, int axis, long from, long to) {
    long[] shape = x.shape();
    shape[axis] = to - from;
    ByteBuffer bytes = Tensor.allocate(x.dtype(), Tensor.elements(shape));
    int step = step(x, axis);
    int whole = step * (int) x.size(axis);
    for (int at = step * (int) from; bytes.hasRemaining(); at += whole) {
      bytes.put(x.bytes().slice(at, step * (int) (to - from)));
    }
    return Tensor.of(x.dtype(), bytes.flip(), shape);
  }

  private static Tensor transpose(Tensor x, List<Integer> axes) {
    long[] shape = axes.stream().mapToLong(x::size).toArray();
    int[] steps = axes.stream().mapToInt(axis -> step(x, axis)).toArray();
    int width = x.dtype().bytes();
    ByteBuffer from = x.bytes();
    ByteBuffer bytes = Tensor.allocate(x.dtype(), x.elements());
    for (int place = 0; bytes.hasRemaining(); place++) {
      int rest = place;
      int at = 0;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        at += rest % (int) shape[axis] * steps[axis];
        rest /= (int) shape[axis];
      }
      bytes.put(from.slice(at, width));
    }
    return Tensor.of(x.dtype(), bytes.flip(), shape);
  }
}
