package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;
import static io.athanor.backend.djl.OpWriter.number;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Op;
import io.athanor.api.graph.SequenceOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes one of the two methods that decode: {@code begin} reads whole prompts, {@code next} one
 * token of each row. In both, {@code end} is the number of slots with tokens or padding after the
 * call. A node of which the last position is enough is written alike in both.
 */
final class DecoderWriter {
  static final String BEGIN = "begin";
  static final String NEXT = "next";

  /** Lists of tensors that the program binds. */
  static final List<String> ATTRIBUTES = List.of("p", "k", "v");

  private static final String SELF = "self: __torch__." + ProgramWriter.CLASS;

  private final DecoderGraph decoded;
  private final @Nullable QuantizedMatrices quantized;
  private final Target target;
  private final boolean prompt;
  private final StringBuilder body = new StringBuilder();
  private final OpWriter out;
  private final Map<String, String> shared = new HashMap<>();
  private final Map<String, Integer> caches = new HashMap<>();

  private DecoderWriter(
      DecoderGraph decoded, @Nullable QuantizedMatrices quantized, Target target, boolean prompt) {
    this.decoded = decoded;
    this.quantized = quantized;
    this.target = target;
    this.prompt = prompt;
    this.out = new OpWriter(decoded.graph(), target, false, body);
    decoded.attentions().forEach(node -> caches.put(node.name(), caches.size()));
  }

  /**
   * The text of a program with {@code allocate}, {@code begin}, {@code next}, {@code keep}, and
   * {@code pack} where matrices are rounded.
   */
  static ProgramWriter.Text write(
      DecoderGraph decoded, @Nullable QuantizedMatrices quantized, Target target) {
    StringBuilder text = new StringBuilder(ProgramWriter.head(decoded.graph(), target, ATTRIBUTES));
    List<String> attributes = new ArrayList<>(ATTRIBUTES);
    text.append(DecoderMethods.TEXT);
    if (quantized != null) {
      for (QuantizedProduct product : quantized.products()) {
        attributes.add(product.attribute());
        text.insert(
            text.indexOf("  def "), "  " + product.attribute() + " : " + product.type + "\n");
        text.append(product.methods());
      }
      text.append(pack(decoded, quantized, target));
    }
    text.append(allocate(decoded));
    text.append(new DecoderWriter(decoded, quantized, target, true).method(BEGIN));
    text.append(new DecoderWriter(decoded, quantized, target, false).method(NEXT));
    return new ProgramWriter.Text(text.toString(), attributes, false);
  }

  private static String pack(DecoderGraph decoded, QuantizedMatrices quantized, Target target) {
    StringBuilder text = new StringBuilder("  def pack(" + SELF + ") -> int:\n    p = self.p\n");
    for (QuantizedProduct product : quantized.products()) {
      text.append("    self." + product.attribute() + " = annotate(" + product.type + ", [])\n");
    }
    OpWriter names = new OpWriter(decoded.graph(), target, false, new StringBuilder());
    for (QuantizedMatrices.Matrix matrix : quantized.matrices()) {
      List<String> parts = matrix.weights().stream().map(names::parameter).toList();
      String whole = parts.size() == 1 ? parts.get(0) : "torch.cat(" + parts + ")";
      text.append("    self." + matrix.product().round() + "(" + whole + ")\n");
    }
    text.append("    return 0\n  def forget(").append(SELF).append(", p: List[Tensor]) -> int:\n");
    return text.append("    self.p = p\n    return 0\n").toString();
  }

  private static String allocate(DecoderGraph decoded) {
    StringBuilder text =
        new StringBuilder("  def allocate(" + SELF + ", rows: int, slots: int) -> int:\n");
    text.append("    k = annotate(List[Tensor], [])\n    v = annotate(List[Tensor], [])\n");
    for (Node node : decoded.attentions()) {
      int heads = ((SequenceOp.Attention) node.op()).keyHeads();
      for (int i = 1; i < 3; i++) {
        String value = node.inputs().get(i);
        long size = decoded.graph().type(value).shape().dim(2).offset() / heads;
        text.append("    torch.append(").append(i == 1 ? "k" : "v");
        text.append(", torch.empty([rows, ").append(heads).append(", slots + ");
        text.append(decoded.virtual(value))
            .append(", ")
            .append(size)
            .append("], dtype=6, device=ops.prim.device(self.p[0])))\n");
      }
    }
    return text.append("    self.k = k\n    self.v = v\n    return 0\n").toString();
  }

  private String method(String name) {
    body.append("  def ").append(name).append('(').append(SELF);
    body.append(
        ", end: int, inputs: List[Tensor], padding: List[Tensor], outputs: List[Tensor])"
            + " -> int:\n    p = self.p\n");
    if (target.separate()) {
      out.statement("padding = self.brought(padding)");
    }
    out.input(LanguageEncoding.TOKENS, "inputs[0]");
    int index = 1;
    for (Input input : decoded.rowInputs()) {
      out.input(input.name(), "inputs[" + index++ + "]");
    }
    for (Node node : decoded.graph().nodes()) {
      if (node.op() instanceof SequenceOp.Attention op) {
        remember(node);
        out.result(node, out.assign(attention(node, op)));
      } else {
        write(node);
      }
    }
    String logits = single(decoded.logits());
    out.statement(call("copy_", "outputs[0]", call("select", logits, 1, 0)));
    out.statement("return 0");
    return body.toString();
  }

  private boolean whole(String value) {
    return prompt && decoded.whole(value);
  }

  /** The variable of the last position of a value. */
  private String single(String value) {
    String variable = out.variable(value);
    return whole(value) ? once("last " + value, () -> call("slice", variable, 1, -1)) : variable;
  }

  private String once(String key, Supplier<String> expression) {
    String known = shared.get(key);
    if (known == null) {
      known = out.assign(expression.get());
      shared.put(key, known);
    }
    return known;
  }

  private void write(Node node) {
    Map<String, String> inputs = new LinkedHashMap<>();
    for (String input : node.inputs()) {
      if (decoded.sequence(input)) {
        inputs.put(input, whole(node.name()) ? out.variable(input) : single(input));
      }
    }
    String special = decoded.sequence(node.name()) ? special(node, inputs) : null;
    out.result(
        node, special == null ? out.substituted(node, inputs, Map.of()) : out.assign(special));
  }

  /** The expression of an operation for which decoding matters. */
  private @Nullable String special(Node node, Map<String, String> inputs) {
    Op op = node.op();
    String x = inputs.getOrDefault(node.inputs().get(0), "");
    if (op instanceof LayerOp.Linear linear) {
      QuantizedMatrices.Rows rows = quantized == null ? null : quantized.rows(node);
      return rows == null ? null : rounded(linear, rows, x);
    }
    if (op instanceof SequenceOp.PositionIds ids) {
      String at = positions(node.inputs().get(0), whole(node.name()));
      String counted = ids.first() == 0 ? at : call("add", at, ids.first());
      return call("expand", counted, "[torch.size(" + x + ", 0), -1]");
    }
    if (op instanceof SequenceOp.Rope rope) {
      String at =
          node.inputs().size() == 2
              ? inputs.get(node.inputs().get(1))
              : positions(node.inputs().get(0), whole(node.name()));
      return rotated(rope, x, at == null ? "" : at);
    }
    boolean lengthens =
        op instanceof LayerOp.VirtualTokens
            || op instanceof SequenceOp.Prepend
            || op instanceof SequenceOp.Skip;
    return lengthens && !whole(node.name()) ? x : null;
  }

  private String rounded(LayerOp.Linear op, QuantizedMatrices.Rows rows, String x) {
    String product =
        once(
            rows.product() + " " + rows.matrix() + " " + x,
            () -> "self." + rows.product().product() + "(" + x + ", " + rows.matrix() + ")");
    String y = rows.shared() ? call("slice", product, 2, rows.from(), rows.to()) : product;
    return op.bias() == null ? y : call("add", y, out.parameter(op.bias()));
  }

  /** The slots of a value after the call. */
  private String slots(String value) {
    int virtual = decoded.virtual(value);
    return virtual == 0 ? "end" : once("slots " + virtual, () -> "end + " + virtual);
  }

  /** The variable of the positions {@code I64 [1 or rows, n]} of a value. */
  private String positions(String value, boolean all) {
    int virtual = decoded.virtual(value);
    String slots = slots(value);
    return once(
        "positions " + virtual + all,
        () ->
            "self.positions("
                + (all ? "0, " + slots : slots + " - 1, 1")
                + ", "
                + virtual
                + ", padding)");
  }

  private String rotated(SequenceOp.Rope op, String x, String at) {
    String key = "turns " + at + op;
    once(key, () -> turns(op, at));
    String cos = once("cos " + key, () -> shared.get(key) + "[0]");
    String sin = once("sin " + key, () -> shared.get(key) + "[1]");
    return "self.rotate(" + String.join(", ", x, cos, sin, "" + op.headSize()) + ")";
  }

  private static String turns(SequenceOp.Rope op, String at) {
    List<String> speeds = Arrays.stream(op.frequencies()).mapToObj(OpWriter::number).toList();
    return "self.turns(" + at + ", " + speeds + ", " + number(op.scaling().magnitude()) + ")";
  }

  /** Puts keys and values into the caches. */
  private void remember(Node node) {
    int cache = Objects.requireNonNull(caches.get(node.name()));
    for (int i = 1; i < 3; i++) {
      String value = node.inputs().get(i);
      out.statement(
          "self.remember(self."
              + (i == 1 ? "k[" : "v[")
              + cache
              + "], "
              + out.variable(value)
              + ", "
              + slots(value)
              + ")");
    }
  }

  private String attention(Node node, SequenceOp.Attention op) {
    boolean all = whole(node.name());
    String query = node.inputs().get(0);
    String end = slots(query);
    String mask = mask(query, op, all);
    String numbers = number(op.scale()) + ", " + number(op.softCap());
    if (all) {
      List<String> inputs = node.inputs().stream().map(out::variable).toList();
      String heads = op.heads() + ", " + op.keyHeads();
      return "self.all("
          + String.join(", ", inputs)
          + ", "
          + mask
          + ", "
          + heads
          + ", "
          + numbers
          + ")";
    }
    String caches = "self.k[I], self.v[I]".replace("I", "" + this.caches.get(node.name()));
    return "self.last("
        + String.join(", ", single(query), caches, end, mask, "" + op.window(), numbers)
        + ")";
  }

  private String mask(String query, SequenceOp.Attention op, boolean all) {
    int virtual = decoded.virtual(query);
    boolean explicit = op.softCap() > 0;
    String slots = slots(query);
    return once(
        "mask " + virtual + all + explicit + op.window(),
        () ->
            "self.mask("
                + String.join(
                    ", ",
                    op.window() > 0 ? positions(query, true) : "inputs[0]",
                    slots,
                    all ? slots : "1",
                    explicit ? "True" : "False",
                    "" + op.window(),
                    "" + virtual,
                    "padding")
                + ")");
  }
}
