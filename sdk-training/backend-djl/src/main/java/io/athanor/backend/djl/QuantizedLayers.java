package io.athanor.backend.djl;

import io.athanor.api.backend.Precision;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.QuantizedOp.QuantizedEmbedding;
import io.athanor.api.graph.QuantizedOp.QuantizedLinear;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Layers with matrices of 8 bits, for processors that fbgemm knows. What a large matrix is
 * multiplied by is rounded too, each row to whole numbers up to 63 in steps of its own, so that it
 * does not depend on the rows beside it and sums of 16 bits do not overflow.
 */
final class QuantizedLayers {
  /** The attribute that holds the matrices as fbgemm lays them out. */
  private static final String MATRICES = "matrices";

  /** The attribute that holds the small matrices, widened once. */
  private static final String WIDE = "wide";

  static final List<String> ATTRIBUTES = List.of(MATRICES, WIDE);

  static final String PACK = "pack";

  private static final String TYPE =
      "List[__torch__.torch.classes.quantized.LinearPackedParamsBase]";

  private static final String SELF = "self: __torch__." + ProgramWriter.CLASS;

  private static final String METHODS =
      """
        def add(SELF, w: Tensor, scale: Tensor) -> int:
          zeros = torch.zeros([torch.size(w, 0)], dtype=4)
          matrix = torch._make_per_channel_quantized_tensor(w, scale, zeros, 0)
          torch.append(self.matrices, ops.quantized.linear_prepack(matrix, None))
          return 0
        def widen(SELF, w: Tensor, scale: Tensor) -> int:
          torch.append(self.wide, torch.mul(torch.to(w, 6), torch.unsqueeze(scale, 1)))
          return 0
        def product(SELF, x: Tensor, i: int) -> Tensor:
          size = torch.clamp_min_(torch.linalg_vector_norm(x, inf, [-1], True), 1.0e-30)
          steps = torch.div_(size, 63.)
          y = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(torch.div(x, steps), 1., 64, self.matrices[i])
          return torch.mul_(y, steps)
      """
          .replace("SELF", SELF);

  /**
   * Numbers from which a matrix is worth the rounding of what it is multiplied by: with 48 rows at
   * once, matrices of 128 by 512 were slower so than in F32, those of 384 by 384 were not.
   */
  private static final long SMALLEST = 1 << 17;

  private final List<QuantizedLinear> packed = new ArrayList<>();
  private final List<QuantizedLinear> widened = new ArrayList<>();

  QuantizedLayers(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof QuantizedLinear op) {
        boolean large = graph.parameter(op.weight()).shape().elements() >= SMALLEST;
        List<QuantizedLinear> alike = large ? packed : widened;
        if (!alike.contains(op)) {
          alike.add(op);
        }
      }
    }
  }

  /** Whether programs for a target can have such layers; else they are widened before. */
  static boolean suit(Target target) {
    String platform =
        LibTorch.platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    return !target.separate()
        && target.products() == Precision.F32
        && platform.toLowerCase(Locale.ROOT).endsWith("x86_64");
  }

  boolean any() {
    return !packed.isEmpty() || !widened.isEmpty();
  }

  String declaration() {
    return "  " + MATRICES + " : " + TYPE + "\n  " + WIDE + " : List[Tensor]\n";
  }

  /** The methods that lay matrices out and multiply by them. */
  String methods(OpWriter names) {
    StringBuilder text = new StringBuilder(METHODS);
    text.append("  def ").append(PACK).append('(').append(SELF).append(") -> int:\n");
    text.append("    p = self.p\n    self.").append(MATRICES);
    text.append(" = annotate(").append(TYPE).append(", [])\n    self.").append(WIDE);
    text.append(" = annotate(List[Tensor], [])\n");
    packed.forEach(op -> text.append(call(names, "add", op)));
    widened.forEach(op -> text.append(call(names, "widen", op)));
    return text.append("    return 0\n").toString();
  }

  private static String call(OpWriter names, String method, QuantizedLinear op) {
    String weight = names.parameter(op.weight());
    return "    self." + method + "(" + weight + ", " + names.parameter(op.scale()) + ")\n";
  }

  String linear(OpWriter out, Node node, QuantizedLinear op) {
    String x = out.in(node, 0);
    int matrix = packed.indexOf(op);
    if (matrix < 0) {
      String wide = "self." + WIDE + "[" + widened.indexOf(op) + "]";
      return OpWriter.call("linear", x, wide, out.parameter(op.bias()));
    }
    String product = "self.product(" + x + ", " + matrix + ")";
    return op.bias() == null ? product : OpWriter.call("add", product, out.parameter(op.bias()));
  }

  String embedding(OpWriter out, Node node, QuantizedEmbedding op) {
    String ids = out.in(node, 0);
    String rows = OpWriter.call("embedding", out.parameter(op.weight()), ids);
    String scales =
        OpWriter.call("unsqueeze", OpWriter.call("take", out.parameter(op.scale()), ids), -1);
    return OpWriter.call("mul", OpWriter.toFloat(rows), scales);
  }
}
