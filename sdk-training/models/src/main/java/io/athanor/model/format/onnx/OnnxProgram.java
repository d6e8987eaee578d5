package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The nodes of a graph that is being written. All of them are pure functions, so that the same
 * function of the same values is computed once.
 */
final class OnnxProgram {
  /** The version of the operators of which nodes are made. */
  static final int OPSET = 17;

  private static final String OUTPUT_SUFFIX = ".output";

  private final Map<Call, List<String>> results = new HashMap<>();
  private final List<ProtobufOutput> nodes = new ArrayList<>();
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private final List<ProtobufOutput> inputs = new ArrayList<>();
  private final List<ProtobufOutput> outputs = new ArrayList<>();
  private final Map<String, Axis> axes = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Set<String> inputNames = new HashSet<>();
  private String layer = "";

  private record Call(String operation, List<String> inputs, Map<String, Object> attributes) {}

  /** Where a symbolic size is seen. */
  private record Axis(String input, long axis, long offset) {}

  OnnxProgram(Collection<Input> given, Set<String> outputNames) {
    names.addAll(outputNames);
    for (Input input : given) {
      names.add(input.name());
      inputNames.add(input.name());
      inputs.add(described(input.name(), input.type()));
      List<Dim> dims = input.type().shape().dims();
      for (int axis = 0; axis < dims.size(); axis++) {
        Dim dim = dims.get(axis);
        if (dim.symbol() != null) {
          axes.putIfAbsent(dim.symbol(), new Axis(input.name(), axis, dim.offset()));
        }
      }
    }
  }

  /** Names the nodes to come after a layer. */
  void enter(String name) {
    layer = name;
  }

  /** Gives a value out; an output that bears the name of an input gets a suffix. */
  void output(String name, String value, TensorType type) {
    String free = inputNames.contains(name) ? unused(name + OUTPUT_SUFFIX) : name;
    nodes.add(node("Identity", List.of(value), List.of(free), Map.of()));
    outputs.add(described(free, type));
  }

  String apply(String operation, String... from) {
    return apply(operation, Map.of(), from);
  }

  String apply(String operation, Map<String, Object> attributes, String... from) {
    return applyAll(operation, attributes, 1, from).get(0);
  }

  /**
   * The results of a node.
   *
   * @param attributes each a Long, Double, Tensor or list of Long
   */
  List<String> applyAll(
      String operation, Map<String, Object> attributes, int count, String... from) {
    Call call = new Call(operation, List.of(from), attributes);
    List<String> known = results.get(call);
    if (known == null) {
      known = IntStream.range(0, count).mapToObj(i -> unused(layer + "/" + operation)).toList();
      results.put(call, known);
      nodes.add(node(operation, call.inputs(), known, attributes));
    }
    return known;
  }

  String reshape(String value, long... sizes) {
    return apply("Reshape", value, vector(sizes));
  }

  String transpose(String value, long... order) {
    return apply("Transpose", Map.of("perm", list(order)), value);
  }

  String unsqueeze(String value, long... where) {
    return apply("Unsqueeze", value, vector(where));
  }

  String cast(String value, ElementType type) {
    return apply("Cast", Map.of("to", type.id()), value);
  }

  String concat(long axis, String... values) {
    return apply("Concat", Map.of("axis", axis), values);
  }

  /** Elements from one position to before another along an axis. */
  String slice(String value, long axis, long from, long to) {
    return apply("Slice", value, vector(from), vector(to), vector(axis));
  }

  /** One value repeated to a shape. */
  String filled(String value, Shape shape) {
    return apply("Expand", value, sizes(shape));
  }

  /** The numbers from 0 to before a size. */
  String range(Dim size) {
    String count = size.fixed() ? scalar(size.offset()) : apply("Squeeze", size(size), vector(0));
    return apply("Range", scalar(0L), count, scalar(1L));
  }

  /** A shape as a vector. */
  String sizes(Shape shape) {
    if (shape.fixed()) {
      return vector(shape.resolve(Map.of()));
    }
    return concat(0, shape.dims().stream().map(this::size).toArray(String[]::new));
  }

  /** A size as a vector of one element. */
  private String size(Dim dim) {
    Axis seen = axes.get(dim.symbol());
    if (seen == null) {
      return vector(dim.offset());
    }
    String size =
        apply("Shape", Map.of("start", seen.axis(), "end", seen.axis() + 1), seen.input());
    long more = dim.offset() - seen.offset();
    return more == 0 ? size : apply("Add", size, vector(more));
  }

  String scalar(long value) {
    return constant(Tensor.ofLongs(new long[] {value}));
  }

  String scalar(double value) {
    return constant(Tensor.scalar((float) value));
  }

  String vector(long... values) {
    return constant(Tensor.ofLongs(values, values.length));
  }

  String constant(Tensor tensor) {
    return apply("Constant", Map.of("value", tensor));
  }

  /**
   * Adds an initialiser.
   *
   * @return its name, as wished if nothing else has it
   */
  String store(String wished, ElementType type, long[] shape, ContentSource content) {
    String name = unused(wished);
    tensors.put(name, new StoredTensor(name, type, list(shape), content::bytes));
    return name;
  }

  /** Gives the little-endian elements of a tensor, each time it is asked. */
  @FunctionalInterface
  interface ContentSource {
    ByteBuffer bytes();
  }

  Collection<StoredTensor> tensors() {
    return tensors.values();
  }

  /** The {@code GraphProto} without its initialisers. */
  ProtobufOutput graph(String name) {
    ProtobufOutput graph = new ProtobufOutput();
    nodes.forEach(node -> graph.message(1, node));
    graph.text(2, name);
    inputs.forEach(input -> graph.message(11, input));
    outputs.forEach(output -> graph.message(12, output));
    return graph;
  }

  private String unused(String wished) {
    String name = wished;
    for (int i = 1; !names.add(name); i++) {
      name = wished + "_" + i;
    }
    return name;
  }

  private static List<Long> list(long... values) {
    return LongStream.of(values).boxed().collect(Collectors.toUnmodifiableList());
  }

  private static ProtobufOutput node(
      String operation, List<String> from, List<String> to, Map<String, Object> attributes) {
    ProtobufOutput node = new ProtobufOutput();
    from.forEach(input -> node.text(1, input));
    to.forEach(output -> node.text(2, output));
    node.text(3, to.get(0)).text(4, operation);
    new TreeMap<>(attributes).forEach((name, value) -> node.message(5, attribute(name, value)));
    return node;
  }

  private static ProtobufOutput attribute(String name, Object value) {
    ProtobufOutput attribute = new ProtobufOutput().text(1, name);
    if (value instanceof Double number) {
      return attribute.single(2, number.floatValue()).number(20, 1);
    }
    if (value instanceof Long number) {
      return attribute.number(3, number).number(20, 2);
    }
    if (value instanceof Tensor tensor) {
      return attribute.message(5, constantTensor(tensor)).number(20, 4);
    }
    if (value instanceof List<?> numbers) {
      numbers.forEach(number -> attribute.number(8, (Long) number));
      return attribute.number(20, 7);
    }
    throw new IllegalArgumentException(
        "attributes must hold numbers, tensors and lists, got '" + name + "' = " + value);
  }

  private static ProtobufOutput constantTensor(Tensor tensor) {
    ProtobufOutput constant = new ProtobufOutput();
    for (long size : tensor.shape()) {
      constant.number(1, size);
    }
    return constant.number(2, type(tensor.dtype()).id()).bytes(9, tensor.bytes());
  }

  private static ElementType type(DType type) {
    return type == DType.I64 ? ElementType.INT64 : ElementType.FLOAT;
  }

  /** A {@code ValueInfoProto}. */
  private static ProtobufOutput described(String name, TensorType type) {
    ProtobufOutput shape = new ProtobufOutput();
    for (Dim dim : type.shape().dims()) {
      ProtobufOutput size = new ProtobufOutput();
      if (dim.fixed()) {
        size.number(1, dim.offset());
      } else {
        size.text(2, dim.toString());
      }
      shape.message(1, size);
    }
    ProtobufOutput tensor =
        new ProtobufOutput().number(1, type(type.dtype()).id()).message(2, shape);
    return new ProtobufOutput().text(1, name).message(2, new ProtobufOutput().message(1, tensor));
  }
}
