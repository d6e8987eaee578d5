package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;
import static io.athanor.backend.djl.OpWriter.number;

import io.athanor.api.common.DType;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes one attention, forward and backward. Where it can, in libtorch's fused operation, which
 * never holds all scores at once (Dao et al. 2022); else step by step.
 *
 * <p>Hidden positions get a very low score instead of minus infinity, so that a row that sees
 * nothing stays finite; such rows are multiplied by 0 at the end.
 */
final class AttentionWriter {
  private final OpWriter out;
  private final SequenceWriter sequences;
  private final Node node;
  private final SequenceOp.Attention op;
  private final String q;
  private final String k;
  private final String v;
  private final Target target;
  private final boolean fused;
  private String result = "";
  private String sums = "";
  private String shares = "";
  private @Nullable String capped;
  private @Nullable String dropping;

  /** Appends the heads of query, key and value, each {@code [b, heads, t, size]}. */
  AttentionWriter(OpWriter out, SequenceWriter sequences, Node node, SequenceOp.Attention op) {
    this.out = out;
    this.sequences = sequences;
    this.node = node;
    this.op = op;
    this.target = out.target();
    this.fused = fuses(out, node, op);
    this.q = turned(heads(out.in(node, 0), op.heads()));
    this.k = keyHeads(1);
    this.v = keyHeads(2);
  }

  /**
   * Whether one operation does it all: libtorch's for the processor, or one that libtorch chooses
   * for the device and that autograd has to differentiate.
   */
  static boolean fuses(OpWriter out, Node node, SequenceOp.Attention op) {
    boolean dropping = out.training() && op.dropout() > 0;
    return op.softCap() == 0 && !dropping && out.fixed(node, 1, 2) == out.fixed(node, 2, 2);
  }

  /** {@code [b, t, heads, size]} as products read it, {@code [b, heads, t, size]}. */
  private String turned(String heads) {
    return out.assign(target.rounded(call("transpose", heads, 1, 2)));
  }

  private boolean dropping() {
    return out.training() && op.dropout() > 0;
  }

  /** {@code [b, t, heads size]} as {@code [b, t, heads, size]}. */
  private static String heads(String x, int heads) {
    return call("unflatten", call("contiguous", x), 2, "[" + heads + ", -1]");
  }

  /** A copy of its key head for each query head. */
  private String keyHeads(int index) {
    String heads = heads(out.in(node, index), op.keyHeads());
    int group = op.heads() / op.keyHeads();
    if (group > 1) {
      String copies =
          call("expand", call("unsqueeze", heads, 3), "[-1, -1, -1, " + group + ", -1]");
      heads = call("flatten", copies, 2, 3);
    }
    return turned(heads);
  }

  /** Appends the forward statements and returns the expression of the result. */
  String forward() {
    String bias = bias();
    if (fused && target.separate()) {
      result = out.assign(chosen(bias));
    } else if (fused) {
      List<String> results =
          out.assign(
              2,
              call(
                  "_scaled_dot_product_flash_attention_for_cpu",
                  q,
                  k,
                  v,
                  0.0,
                  op.causal(),
                  settings(bias)));
      result = results.get(0);
      sums = results.get(1);
    } else {
      result = out.assign(stepByStep(bias));
    }
    String joined = target.full(call("flatten", call("transpose", result, 1, 2), 2, 3));
    return padded() ? call("mul", joined, some()) : joined;
  }

  private String settings(@Nullable String bias) {
    return "attn_mask=" + mask(bias) + ", scale=" + number(op.scale());
  }

  private String mask(@Nullable String bias) {
    return bias == null ? "None" : target.rounded(bias);
  }

  /** This operation takes a mask or the causal rule, not both. */
  private String chosen(@Nullable String bias) {
    String seen = bias != null && op.causal() ? call("add", bias, future()) : bias;
    boolean causal = op.causal() && bias == null;
    String scale = "scale=" + number(op.scale());
    return call("scaled_dot_product_attention", q, k, v, mask(seen), 0.0, causal, scale);
  }

  private String future() {
    return once("future", () -> low(call("triu", ones(), 1)));
  }

  private String stepByStep(@Nullable String bias) {
    String scores = call("mul", product(q, flipped(k)), op.scale());
    if (op.softCap() > 0) {
      capped = out.assign(call("tanh", call("div", scores, op.softCap())));
      scores = call("mul", capped, op.softCap());
    }
    if (bias != null) {
      scores = call("add", scores, bias);
    }
    if (op.causal()) {
      scores = call("add", scores, future());
    }
    shares = out.assign(call("softmax", scores, -1));
    String kept = shares;
    if (dropping()) {
      dropping = out.mask(node, shares, op.dropout());
      kept = call("mul", shares, dropping);
    }
    return product(target.rounded(kept), v);
  }

  private String product(String a, String b) {
    return target.full(call("matmul", a, b));
  }

  private static String flipped(String x) {
    return call("transpose", x, -2, -1);
  }

  /** Appends the backward statements and returns the gradients of query, key and value. */
  List<String> backward(String gradient) {
    String masked = padded() ? call("mul", gradient, some()) : gradient;
    String g = turned(heads(masked, op.heads()));
    List<String> found = fused ? fusedBackward(g) : stepByStepBackward(g);
    return List.of(
        joined(found.get(0), op.heads()),
        joined(found.get(1), op.keyHeads()),
        joined(found.get(2), op.keyHeads()));
  }

  private List<String> fusedBackward(String g) {
    return out.assign(
        3,
        call(
            "_scaled_dot_product_flash_attention_for_cpu_backward",
            g,
            q,
            k,
            v,
            result,
            sums,
            0.0,
            op.causal(),
            settings(bias())));
  }

  private List<String> stepByStepBackward(String g) {
    String kept = dropping == null ? shares : call("mul", shares, dropping);
    String ofValue = out.assign(product(flipped(target.rounded(kept)), g));
    String ofShares = product(g, flipped(v));
    if (dropping != null) {
      ofShares = call("mul", ofShares, dropping);
    }
    String ofScores = call("_softmax_backward_data", ofShares, shares, -1, Rules.F32);
    if (capped != null) {
      ofScores = call("tanh_backward", ofScores, capped);
    }
    String slopes = out.assign(target.rounded(call("mul", ofScores, op.scale())));
    String ofQuery = out.assign(product(slopes, k));
    String ofKey = out.assign(product(flipped(slopes), q));
    return List.of(ofQuery, ofKey, ofValue);
  }

  /** {@code [b, heads, t, size]} as {@code [b, t, keyHeads size]}, summed where it was copied. */
  private String joined(String x, int heads) {
    String turned = target.full(call("transpose", x, 1, 2));
    if (heads < op.heads()) {
      turned = call("sum", call("unflatten", turned, 2, "[" + heads + ", -1]"), "[3]");
    }
    return call("flatten", turned, 2, 3);
  }

  private boolean padded() {
    return node.inputs().size() == 4;
  }

  private boolean documents() {
    return padded() && out.dtype(node, 3) == DType.I64;
  }

  private String once(String key, java.util.function.Supplier<String> expression) {
    return sequences.once(key + " " + length(), expression);
  }

  private String length() {
    return out.size(node, 1, 1);
  }

  /** What is added to scores besides the causal rule: {@code [b or 1, 1, t or 1, s]}. */
  private @Nullable String bias() {
    String band =
        op.window() == 0
            ? null
            : once("past " + op.window(), () -> low(call("tril", ones(), -op.window())));
    if (!padded()) {
      return band;
    }
    String mask = out.in(node, 3);
    String hidden =
        sequences.once(
            "hidden " + mask,
            () ->
                low(
                    documents()
                        ? call("ne", unsqueezed(mask, 1, 3), unsqueezed(mask, 1, 2))
                        : call("eq", unsqueezed(mask, 1, 2), 0)));
    return band == null
        ? hidden
        : sequences.once("hidden " + mask + " " + op.window(), () -> call("add", hidden, band));
  }

  private static String unsqueezed(String x, int first, int second) {
    return call("unsqueeze", call("unsqueeze", x, first), second);
  }

  private String low(String hidden) {
    return call("mul", OpWriter.toFloat(hidden), target.hidden());
  }

  private String ones() {
    return "torch.ones(["
        + length()
        + ", "
        + length()
        + "], dtype="
        + Rules.F32
        + SequenceWriter.device(out.in(node, 0))
        + ")";
  }

  /** 1 for a position that sees something, else 0: {@code [b, t or 1, 1]}. */
  private String some() {
    String mask = out.in(node, 3);
    String seen = documents() ? "itself" : op.causal() ? "causal " + op.window() : "any";
    return sequences.once("some " + seen + " " + mask, () -> OpWriter.toFloat(sees(mask)));
  }

  private String sees(String mask) {
    String real = call("unsqueeze", call("ne", mask, 0), 2);
    if (documents()) {
      return real;
    }
    if (!op.causal()) {
      return call("any", real, 1, true);
    }
    String count = call("cumsum", real, 1);
    if (op.window() > 0) {
      String before = call("constant_pad_nd", count, "[0, 0, " + op.window() + ", 0]");
      count = call("sub", count, call("slice", before, 1, 0, length()));
    }
    return call("gt", count, 0);
  }
}
