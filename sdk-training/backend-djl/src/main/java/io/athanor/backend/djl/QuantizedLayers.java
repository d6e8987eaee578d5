package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

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
  static final String ATTRIBUTE = "matrices";

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
        def product(SELF, x: Tensor, i: int) -> Tensor:
          size = torch.clamp_min_(torch.linalg_vector_norm(x, inf, [-1], True), 1.0e-30)
          steps = torch.div_(size, 63.)
          y = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(torch.div(x, steps), 1., 64, self.matrices[i])
          return torch.mul_(y, steps)
      """
          .replace("SELF", SELF);

  /** Numbers from which a matrix is worth the rounding; a smaller one is widened each time. */
  private static final long SMALLEST = 4096;

  /** Those with a large matrix. */
  private final List<QuantizedLinear> packed = new ArrayList<>();

  QuantizedLayers(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof QuantizedLinear op
          && !packed.contains(op)
          && graph.parameter(op.weight()).shape().elements() >= SMALLEST) {
        packed.add(op);
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
    return !packed.isEmpty();
  }

  String declaration() {
    return "  " + ATTRIBUTE + " : " + TYPE + "\n";
  }

  /** The methods that lay matrices out and multiply by them. */
  String methods(OpWriter names) {
    StringBuilder text = new StringBuilder(METHODS);
    text.append("  def ").append(PACK).append('(').append(SELF).append(") -> int:\n");
    text.append("    p = self.p\n    self.").append(ATTRIBUTE);
    text.append(" = annotate(").append(TYPE).append(", [])\n");
    for (QuantizedLinear op : packed) {
      String weight = names.parameter(op.weight());
      text.append("    self.add(").append(weight).append(", ");
      text.append(names.parameter(op.scale())).append(")\n");
    }
    return text.append("    return 0\n").toString();
  }

  String linear(OpWriter out, Node node, QuantizedLinear op) {
    String x = out.in(node, 0);
    int matrix = packed.indexOf(op);
    String product =
        matrix >= 0
            ? "self.product(" + x + ", " + matrix + ")"
            : call("mul", call("linear", x, wide(out, op.weight())), out.parameter(op.scale()));
    return op.bias() == null ? product : call("add", product, out.parameter(op.bias()));
  }

  String embedding(OpWriter out, Node node, QuantizedEmbedding op) {
    String ids = out.in(node, 0);
    String rows = call("embedding", out.parameter(op.weight()), ids);
    String scales = call("unsqueeze", call("take", out.parameter(op.scale()), ids), -1);
    return call("mul", OpWriter.toFloat(rows), scales);
  }

  private static String wide(OpWriter out, String weight) {
    return OpWriter.toFloat(out.parameter(weight));
  }
}
