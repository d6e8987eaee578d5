package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.Shape;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Operations along a sequence axis, of which ONNX has few. */
final class SequenceNodes {
  /** Far below every score, and no infinity, of which a softmax over nothing would make NaN. */
  private static final double NEVER = -Float.MAX_VALUE;

  private final OnnxProgram program;
  private final Graph graph;

  SequenceNodes(OnnxProgram program, Graph graph) {
    this.program = program;
    this.graph = graph;
  }

  /** Sizes for a reshape that keeps the first axes. */
  static long[] keeping(int axes, long... sizes) {
    long[] all = new long[axes + sizes.length];
    System.arraycopy(sizes, 0, all, axes, sizes.length);
    return all;
  }

  private Shape shape(Node node, int input) {
    return graph.type(node.inputs().get(input)).shape();
  }

  String virtualTokens(Node node, String weight, long count, String x) {
    Shape before = shape(node, 0).with(1, Dim.of(count));
    return program.concat(1, program.filled(weight, before), x);
  }

  String positionIds(Node node, SequenceOp.PositionIds op) {
    Shape ids = node.type().shape();
    String positions = program.range(ids.dim(1));
    String from =
        op.first() == 0
            ? positions
            : program.apply("Add", positions, program.scalar((long) op.first()));
    return program.filled(from, ids);
  }

  String prepend(Node node, SequenceOp.Prepend op, String x) {
    String value =
        node.type().dtype() == DType.I64
            ? program.scalar(op.value())
            : program.scalar((double) op.value());
    Shape before = shape(node, 0).with(1, Dim.of(op.count()));
    return program.concat(1, program.filled(value, before), x);
  }

  String rope(Node node, SequenceOp.Rope op, String... from) {
    Shape shape = node.type().shape();
    long half = op.headSize() / 2;
    String positions =
        from.length == 2
            ? program.unsqueeze(from[1], 2, 3)
            : program.unsqueeze(program.range(shape.dim(1)), 1, 2);
    String angles =
        program.apply("Mul", program.cast(positions, ElementType.FLOAT), frequencies(op));
    String cosine = grown(program.apply("Cos", angles), op);
    String sine = grown(program.apply("Sin", angles), op);
    String heads = program.reshape(from[0], keeping(2, -1, op.headSize()));
    List<String> halves =
        program.applyAll("Split", Map.of("axis", -1L), 2, heads, program.vector(half, half));
    String a = halves.get(0);
    String b = halves.get(1);
    String first =
        program.apply("Sub", program.apply("Mul", a, cosine), program.apply("Mul", b, sine));
    String second =
        program.apply("Add", program.apply("Mul", b, cosine), program.apply("Mul", a, sine));
    return program.reshape(program.concat(-1, first, second), keeping(2, shape.dim(2).offset()));
  }

  private String frequencies(SequenceOp.Rope op) {
    double[] exact = op.frequencies();
    float[] values = new float[exact.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) exact[i];
    }
    return program.constant(Tensor.ofFloats(values, values.length));
  }

  private String grown(String x, SequenceOp.Rope op) {
    double magnitude = op.scaling().magnitude();
    return magnitude == 1 ? x : program.apply("Mul", x, program.scalar(magnitude));
  }

  /**
   * Query, key and value become {@code [batch, heads, ..]}, or {@code [batch, keyHeads, group, ..]}
   * where several query heads share a key.
   */
  String attention(Node node, SequenceOp.Attention op, String... from) {
    long heads = op.heads();
    long keys = op.keyHeads();
    long size = shape(node, 0).dim(2).offset() / heads;
    long valueSize = shape(node, 2).dim(2).offset() / keys;
    boolean grouped = keys < heads;
    String query;
    String key;
    String value;
    if (grouped) {
      query = program.reshape(from[0], 0, 0, keys, heads / keys, size);
      query = program.transpose(query, 0, 2, 3, 1, 4);
      key = program.transpose(program.reshape(from[1], 0, 0, keys, 1, size), 0, 2, 3, 4, 1);
      value = program.transpose(program.reshape(from[2], 0, 0, keys, 1, valueSize), 0, 2, 3, 1, 4);
    } else {
      query = program.transpose(program.reshape(from[0], 0, 0, heads, size), 0, 2, 1, 3);
      key = program.transpose(program.reshape(from[1], 0, 0, heads, size), 0, 2, 3, 1);
      value = program.transpose(program.reshape(from[2], 0, 0, heads, valueSize), 0, 2, 1, 3);
    }
    String scores =
        program.apply("Mul", program.apply("MatMul", query, key), program.scalar(op.scale()));
    String shares = shares(node, op, scores, from.length == 4 ? from[3] : null, grouped ? 5 : 4);
    String mixed = program.apply("MatMul", shares, value);
    String joined =
        grouped ? program.transpose(mixed, 0, 3, 1, 2, 4) : program.transpose(mixed, 0, 2, 1, 3);
    return program.reshape(joined, 0, 0, heads * valueSize);
  }

  private String shares(
      Node node, SequenceOp.Attention op, String scores, @Nullable String mask, int rank) {
    String bent = scores;
    if (op.softCap() > 0) {
      String cap = program.scalar(op.softCap());
      bent = program.apply("Mul", program.apply("Tanh", program.apply("Div", scores, cap)), cap);
    }
    Map<String, Object> lastAxis = Map.of("axis", -1L);
    String sight = op.causal() ? near(node, op) : null;
    if (mask != null) {
      String real = real(node, mask, rank);
      sight = sight == null ? real : program.apply("And", sight, real);
    }
    if (sight == null) {
      return program.apply("Softmax", lastAxis, bent);
    }
    String seen = program.apply("Where", sight, bent, program.scalar(NEVER));
    String shares = program.apply("Softmax", lastAxis, seen);
    return mask == null ? shares : program.apply("Where", sight, shares, program.scalar(0.0));
  }

  /** {@code BOOL [query, key]}: the keys up to the query's position and within its window. */
  private String near(Node node, SequenceOp.Attention op) {
    String query = program.unsqueeze(program.range(shape(node, 0).dim(1)), 1);
    String key = program.range(shape(node, 1).dim(1));
    String near = program.apply("LessOrEqual", key, query);
    if (op.window() == 0) {
      return near;
    }
    String before = program.apply("Sub", query, program.scalar((long) op.window()));
    return program.apply("And", near, program.apply("Greater", key, before));
  }

  /** {@code BOOL [batch, 1, .., query or 1, key]}: the keys that are no padding. */
  private String real(Node node, String mask, int rank) {
    long[] others = new long[rank - 2];
    for (int i = 0; i < others.length; i++) {
      others[i] = i + 1L;
    }
    String keys = program.unsqueeze(mask, others);
    String real = program.cast(keys, ElementType.BOOL);
    if (graph.type(node.inputs().get(3)).dtype() != DType.I64) {
      return real;
    }
    others[others.length - 1] = rank - 1L;
    String same = program.apply("Equal", keys, program.unsqueeze(mask, others));
    return program.apply("And", real, same);
  }

  String pool(Node node, SequenceOp.SequencePool op, String... from) {
    String x = from[0];
    if (from.length == 1) {
      Map<String, Object> sequence = Map.of("axes", List.of(1L), "keepdims", 0L);
      return switch (op.kind()) {
        case MEAN -> program.apply("ReduceMean", sequence, x);
        case MAX -> program.apply("ReduceMax", sequence, x);
        case FIRST -> at(x, 0);
        case LAST -> at(x, -1);
      };
    }
    String zero = program.scalar(0.0);
    String real = program.unsqueeze(program.cast(from[1], ElementType.BOOL), 2);
    String ones = program.cast(real, ElementType.FLOAT);
    return switch (op.kind()) {
      case MEAN -> {
        String count = program.apply("Max", sum(ones), program.scalar(1.0));
        yield program.apply("Div", sum(program.apply("Where", real, x, zero)), count);
      }
      case MAX -> {
        String largest = largest(program.apply("Where", real, x, program.scalar(NEVER)));
        yield program.apply("Where", any(ones), largest, zero);
      }
      case FIRST -> program.apply("Where", any(ones), at(x, 0), zero);
      case LAST -> {
        String positions = program.unsqueeze(program.range(shape(node, 0).dim(1)), 1);
        String known = program.apply("Where", real, positions, program.scalar(-1L));
        String last = program.unsqueeze(largest(known), 1);
        yield sum(program.apply("Where", program.apply("Equal", positions, last), x, zero));
      }
    };
  }

  private String at(String x, long position) {
    return program.apply("Gather", Map.of("axis", 1L), x, program.scalar(position));
  }

  private String any(String ones) {
    return program.cast(largest(ones), ElementType.BOOL);
  }

  private String largest(String x) {
    return program.apply("ReduceMax", Map.of("axes", List.of(1L), "keepdims", 0L), x);
  }

  private String sum(String x) {
    return program.apply("ReduceSum", Map.of("keepdims", 0L), x, program.vector(1));
  }
}
