package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;
import static io.athanor.backend.djl.OpWriter.toFloat;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The sequence operations of {@link OpWriter}. Masks and rotation tables are written once for all
 * the layers that share them.
 */
final class SequenceWriter {
  /** Least length {@link ElementOp.Normalize} divides by. */
  static final double LEAST_LENGTH = 1e-12;

  private static final int F64 = 7;
  private static final int I64 = 4;

  private final OpWriter out;
  private final Map<String, String> shared = new HashMap<>();

  SequenceWriter(OpWriter out) {
    this.out = out;
  }

  /** A value that several nodes use, written at the first of them. */
  String once(String key, Supplier<String> expression) {
    String known = shared.get(key);
    if (known == null) {
      known = out.assign(expression.get());
      shared.put(key, known);
    }
    return known;
  }

  static String device(String like) {
    return ", device=ops.prim.device(" + like + ")";
  }

  String positionIds(Node node, SequenceOp.PositionIds op) {
    String x = out.in(node, 0);
    String count = out.assign(out.size(node, 0, 1));
    String ids =
        "torch.arange("
            + op.first()
            + ", torch.add("
            + count
            + ", "
            + op.first()
            + "), dtype="
            + I64
            + device(x)
            + ")";
    return call("expand", ids, "[" + out.size(node, 0, 0) + ", " + count + "]");
  }

  String rope(Node node, SequenceOp.Rope op) {
    return turned(node, op, out.in(node, 0), true);
  }

  /**
   * Turns a value of the shape of a node's first input.
   *
   * @param onward or back, by the same angles
   */
  String turned(Node node, SequenceOp.Rope op, String x, boolean onward) {
    String like = out.in(node, 0);
    String positions = node.inputs().size() == 2 ? out.in(node, 1) : "";
    String length = out.size(node, 0, 1);
    String key =
        op.headSize()
            + " "
            + op.base()
            + " "
            + op.scaling()
            + " "
            + (positions.isEmpty() ? length : positions);
    String angles = once("angles " + key, () -> angles(op, like, positions, length));
    double magnitude = op.scaling().magnitude();
    String cos =
        once(
            "cos " + key,
            () -> {
              String half = toFloat(call("mul", call("cos", angles), magnitude));
              return call("cat", "[" + half + ", " + half + "]", -1);
            });
    String sin =
        once(
            "sin " + key,
            () -> {
              String half = out.assign(toFloat(call("mul", call("sin", angles), magnitude)));
              return call("cat", "[" + call("neg", half) + ", " + half + "]", -1);
            });
    String heads = out.assign(call("unflatten", x, 2, "[-1, " + op.headSize() + "]"));
    String swapped = call("roll", heads, "[" + op.headSize() / 2 + "]", "[-1]");
    String turned =
        call("addcmul", call("mul", heads, cos), swapped, sin, "value=" + (onward ? 1 : -1));
    return call("flatten", turned, 2, 3);
  }

  /** Angles {@code [t, 1, half]} or {@code [b, t, 1, half]}, in doubles as positions grow. */
  private String angles(SequenceOp.Rope op, String x, String positions, String length) {
    String at =
        positions.isEmpty()
            ? "torch.arange(" + length + ", dtype=" + F64 + device(x) + ")"
            : call("to", positions, F64);
    String speeds =
        Arrays.stream(op.frequencies())
            .mapToObj(OpWriter::number)
            .collect(Collectors.joining(", ", "[", "]"));
    String rates = "torch.tensor(" + speeds + ", dtype=" + F64 + device(x) + ")";
    return call("mul", call("unsqueeze", call("unsqueeze", at, -1), -1), rates);
  }

  String attention(Node node, SequenceOp.Attention op) {
    return attending(node, op).forward();
  }

  AttentionWriter attending(Node node, SequenceOp.Attention op) {
    return new AttentionWriter(out, this, node, op);
  }

  String pool(Node node, SequenceOp.SequencePool op) {
    String x = out.in(node, 0);
    if (node.inputs().size() == 1) {
      return switch (op.kind()) {
        case MEAN -> call("mean", x, "[1]");
        case MAX -> call("amax", x, "[1]");
        case FIRST -> call("select", x, 1, 0);
        case LAST -> call("select", x, 1, -1);
      };
    }
    String mask = out.in(node, 1);
    return switch (op.kind()) {
      case MEAN -> call("squeeze", call("matmul", call("unsqueeze", share(mask), 1), x), 1);
      case MAX -> {
        String padding = once("padding " + mask, () -> call("unsqueeze", call("eq", mask, 0), -1));
        String real = call("masked_fill", x, padding, (double) -Float.MAX_VALUE);
        yield call("mul", call("amax", real, "[1]"), filled(mask));
      }
      case FIRST -> call("mul", call("select", x, 1, 0), filled(mask));
      case LAST ->
          call("mul", call("squeeze", call("gather", x, 1, last(node, mask)), 1), filled(mask));
    };
  }

  /** The gradient of a padded sequence, given that of its mean, first or last position. */
  String spread(Node node, SequenceOp.SequencePool op, String gradient) {
    String mask = out.in(node, 1);
    if (op.kind() == SequenceOp.SequencePool.Kind.MEAN) {
      return call("mul", call("unsqueeze", gradient, 1), call("unsqueeze", share(mask), 2));
    }
    String one = call("mul", gradient, filled(mask));
    String sizes = call("size", out.in(node, 0));
    return op.kind() == SequenceOp.SequencePool.Kind.FIRST
        ? call("select_backward", one, sizes, 1, 0)
        : call(
            "scatter",
            call("new_zeros", gradient, sizes),
            1,
            last(node, mask),
            call("unsqueeze", one, 1));
  }

  private String count(String mask) {
    return once("count " + mask, () -> call("sum", mask, "[1]", true));
  }

  private String divisor(String mask) {
    return once("divisor " + mask, () -> call("clamp_min", count(mask), 1.0));
  }

  /** What each position adds to a mean. */
  private String share(String mask) {
    return once("share " + mask, () -> call("div", mask, divisor(mask)));
  }

  /** 1 for a row with real positions, else 0. */
  private String filled(String mask) {
    return once("filled " + mask, () -> call("div", count(mask), divisor(mask)));
  }

  private String last(Node node, String mask) {
    String last = once("last " + mask, () -> call("to", call("sub", divisor(mask), 1), I64));
    return call("expand", call("unsqueeze", last, -1), "[-1, -1, " + out.fixed(node, 0, 2) + "]");
  }

  String constantIds(Node node, SequenceOp.ConstantIds op) {
    return "torch.full(["
        + out.size(node, 0, 0)
        + ", "
        + out.size(node, 0, 1)
        + "], "
        + op.id()
        + ", dtype="
        + I64
        + device(out.in(node, 0))
        + ")";
  }

  String prepend(Node node, SequenceOp.Prepend op) {
    return call("constant_pad_nd", out.in(node, 0), "[" + op.count() + ", 0]", op.value());
  }

  String skip(Node node, SequenceOp.Skip op) {
    return call("slice", out.in(node, 0), 1, op.count());
  }

  String adapterLinear(Node node, LayerOp.AdapterLinear op) {
    String adapters = out.in(node, 1);
    String down = call("index_select", out.parameter(op.a()), 0, adapters);
    String up = call("index_select", out.parameter(op.b()), 0, adapters);
    String inner = call("bmm", out.in(node, 0), call("transpose", down, 1, 2));
    return call("bmm", inner, call("transpose", up, 1, 2));
  }

  String virtualTokens(Node node, LayerOp.VirtualTokens op) {
    String tokens = call("unsqueeze", out.parameter(op.weight()), 0);
    String each = call("expand", tokens, "[" + out.size(node, 0, 0) + ", -1, -1]");
    return call("cat", List.of(each, out.in(node, 0)), 1);
  }

  /** The lengths of rows, none below what {@link ElementOp.Normalize} divides by at least. */
  String length(String x) {
    return call("clamp_min", call("linalg_vector_norm", x, 2, "[-1]", true), LEAST_LENGTH);
  }

  String lstm(Node node, LayerOp.Lstm op) {
    String zero = firstState(node, op.hiddenWeight());
    return out.assign(3, recurrent("lstm", node, "[" + zero + ", " + zero + "]", op)).get(0);
  }

  String gru(Node node, LayerOp.Gru op) {
    String zero = firstState(node, op.hiddenWeight());
    return out.assign(2, recurrent("gru", node, zero, op)).get(0);
  }

  private String firstState(Node node, String hiddenWeight) {
    String shape = "[1, " + out.size(node, 0, 0) + ", " + out.size(hiddenWeight, 1) + "]";
    return out.assign(call("new_zeros", out.in(node, 0), shape));
  }

  private String recurrent(String function, Node node, String state, LayerOp op) {
    return call(
        function,
        out.in(node, 0),
        state,
        out.parameters(op.parameters()),
        true,
        1,
        0.0,
        out.training(),
        false,
        true);
  }
}
