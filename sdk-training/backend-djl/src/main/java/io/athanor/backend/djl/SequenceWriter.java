package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;
import static io.athanor.backend.djl.OpWriter.number;
import static io.athanor.backend.djl.OpWriter.toFloat;

import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The sequence operations of {@link OpWriter}. Masks and rotation tables are written once for all
 * the layers that share them.
 */
final class SequenceWriter {
  private static final int F64 = 7;
  private static final int I64 = 4;
  private static final int BOOL = 11;

  private final OpWriter out;
  private final Map<String, String> shared = new HashMap<>();

  SequenceWriter(OpWriter out) {
    this.out = out;
  }

  private String once(String key, Supplier<String> expression) {
    String known = shared.get(key);
    if (known == null) {
      known = out.assign(expression.get());
      shared.put(key, known);
    }
    return known;
  }

  private static String device(String like) {
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
    String x = out.in(node, 0);
    String positions = node.inputs().size() == 2 ? out.in(node, 1) : "";
    String length = out.size(node, 0, 1);
    String key = op.headSize() + " " + op.base() + " " + (positions.isEmpty() ? length : positions);
    String angles = once("angles " + key, () -> angles(op, x, positions, length));
    String cos = once("cos " + key, () -> toFloat(call("cos", angles)));
    String sin = once("sin " + key, () -> toFloat(call("sin", angles)));
    String heads = out.assign(heads(node, 0, out.fixed(node, 0, 2) / op.headSize()));
    int half = op.headSize() / 2;
    String a = out.assign(call("slice", heads, 3, 0, half));
    String b = out.assign(call("slice", heads, 3, half, op.headSize()));
    String left = call("sub", call("mul", a, cos), call("mul", b, sin));
    String right = call("add", call("mul", b, cos), call("mul", a, sin));
    return call("flatten", call("cat", "[" + left + ", " + right + "]", 3), 2, 3);
  }

  /** Angles {@code [t, 1, half]} or {@code [b, t, 1, half]}, in doubles as positions grow. */
  private String angles(SequenceOp.Rope op, String x, String positions, String length) {
    String at =
        positions.isEmpty()
            ? "torch.arange(" + length + ", dtype=" + F64 + device(x) + ")"
            : call("to", positions, F64);
    String exponents =
        "torch.mul(torch.arange("
            + op.headSize() / 2
            + ", dtype="
            + F64
            + device(x)
            + "), "
            + number(-2.0 / op.headSize())
            + ")";
    String rates = call("pow", op.base(), exponents);
    return call("mul", call("unsqueeze", call("unsqueeze", at, -1), -1), rates);
  }

  /** {@code [b, t, heads size]} as {@code [b, t, heads, size]}. */
  private String heads(Node node, int index, long heads) {
    long size = out.fixed(node, index, 2) / heads;
    return call("unflatten", out.in(node, index), 2, "[" + heads + ", " + size + "]");
  }

  String attention(Node node, SequenceOp.Attention op) {
    String q = out.assign(call("transpose", heads(node, 0, op.heads()), 1, 2));
    String k = keyHeads(node, 1, op);
    String v = keyHeads(node, 2, op);
    boolean masked = node.inputs().size() == 4;
    String result;
    if (out.training() && op.dropout() > 0) {
      result = attentionWithDropout(node, op, q, k, v, masked);
    } else {
      String mask = masked ? allowed(node, op) : "None";
      result =
          call(
              "scaled_dot_product_attention",
              q,
              k,
              v,
              mask,
              0.0,
              op.causal() && !masked,
              "scale=" + number(op.scale()));
    }
    if (masked) {
      result = call("mul", result, once("some " + maskKey(node, op), () -> some(node, op)));
    }
    return call("flatten", call("transpose", result, 1, 2), 2, 3);
  }

  private String keyHeads(Node node, int index, SequenceOp.Attention op) {
    String heads = call("transpose", heads(node, index, op.keyHeads()), 1, 2);
    int group = op.heads() / op.keyHeads();
    return out.assign(group == 1 ? heads : call("repeat_interleave", heads, group, 1));
  }

  private String attentionWithDropout(
      Node node, SequenceOp.Attention op, String q, String k, String v, boolean masked) {
    String scores =
        out.assign(call("mul", call("matmul", q, call("transpose", k, -2, -1)), op.scale()));
    if (masked || op.causal()) {
      String allowed =
          masked ? allowed(node, op) : once("causal " + out.in(node, 0), () -> causal(node));
      scores =
          out.assign(
              call("masked_fill", scores, call("logical_not", allowed), (double) -Float.MAX_VALUE));
    }
    String shares = out.assign(call("softmax", scores, -1));
    return call("matmul", out.dropped(shares, op.dropout()), v);
  }

  private String maskKey(Node node, SequenceOp.Attention op) {
    return out.in(node, 3) + (op.causal() ? " causal" : "");
  }

  /** Where a score counts: {@code [b, 1, 1 or t, s]}. */
  private String real(Node node, SequenceOp.Attention op) {
    return once(
        "real " + maskKey(node, op),
        () -> {
          String real = call("unsqueeze", call("unsqueeze", call("ne", out.in(node, 3), 0), 1), 1);
          return op.causal()
              ? call("logical_and", real, once("causal " + out.in(node, 0), () -> causal(node)))
              : real;
        });
  }

  /** As {@link #real}, but a row that may attend nowhere attends everywhere, to stay finite. */
  private String allowed(Node node, SequenceOp.Attention op) {
    String real = real(node, op);
    String key = maskKey(node, op);
    String none = once("none " + key, () -> call("logical_not", call("any", real, -1, true)));
    return once("allowed " + key, () -> call("logical_or", real, none));
  }

  /** 1 for a row that attends somewhere, else 0. */
  private String some(Node node, SequenceOp.Attention op) {
    return toFloat(call("any", real(node, op), -1, true));
  }

  private String causal(Node node) {
    String length = out.size(node, 0, 1);
    return "torch.tril(torch.ones(["
        + length
        + ", "
        + length
        + "], dtype="
        + BOOL
        + device(out.in(node, 0))
        + "))";
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
    String count = once("count " + mask, () -> call("sum", mask, "[1]", true));
    String divisor = once("divisor " + mask, () -> call("clamp_min", count, 1.0));
    String filled = once("filled " + mask, () -> call("div", count, divisor));
    return switch (op.kind()) {
      case MEAN -> {
        String share = once("share " + mask, () -> call("div", mask, divisor));
        yield call("squeeze", call("matmul", call("unsqueeze", share, 1), x), 1);
      }
      case MAX -> {
        String padding = once("padding " + mask, () -> call("unsqueeze", call("eq", mask, 0), -1));
        String real = call("masked_fill", x, padding, (double) -Float.MAX_VALUE);
        yield call("mul", call("amax", real, "[1]"), filled);
      }
      case FIRST -> call("mul", call("select", x, 1, 0), filled);
      case LAST -> {
        String last = once("last " + mask, () -> call("to", call("sub", divisor, 1), I64));
        String index =
            call("expand", call("unsqueeze", last, -1), "[-1, -1, " + out.fixed(node, 0, 2) + "]");
        yield call("mul", call("squeeze", call("gather", x, 1, index), 1), filled);
      }
    };
  }
}
