package io.athanor.backend.djl;

import io.athanor.api.backend.Precision;
import java.util.List;
import java.util.Locale;

/** How a program multiplies by matrices of a few bits. */
enum QuantizedProduct {
  /**
   * 8 bits, for processors that fbgemm knows; each row of a matrix has a scale of its own, and so
   * has each row of activations. An activation is the sum of two whole numbers up to 63, the second
   * in steps that are 126 times finer, as 8 bits alone change one in eight of the likeliest tokens.
   * Both are rows of the same product, and sums of 16 bits do not overflow.
   */
  PRECISE(
      "List[Tuple[__torch__.torch.classes.quantized.LinearPackedParamsBase, Tensor]]",
      """
        def product_KIND(SELF, x: Tensor, i: int) -> Tensor:
          matrix, largest = self.matrices_KIND[i]
          rows = torch.reshape(x, [torch.size(x, 0) * torch.size(x, 1), 1, -1])
          size = torch.clamp_min_(torch.linalg_vector_norm(rows, inf, [2], True), 1.0e-30)
          steps = torch.div(size, largest)
          both = torch.div(rows, steps)
          torch.sub_(torch.select(both, 1, 1), torch.round(torch.select(both, 1, 0)), alpha=126.)
          y = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(both, 1., 64, matrix)
          sum = torch.matmul(torch.transpose(steps, 1, 2), y)
          return torch.view(sum, [torch.size(x, 0), torch.size(x, 1), -1])
        def round_KIND(SELF, w: Tensor) -> int:
          scale = torch.clamp_min(torch.div(torch.amax(torch.abs(w), [1]), 127.), 1.0e-30)
          steps = torch.quantize_per_channel(w, scale, torch.zeros([torch.size(w, 0)], dtype=4), 0, 12)
          largest = torch.tensor([[63.], [63. * 126.]])
          torch.append(self.matrices_KIND, (ops.quantized.linear_prepack(steps, None), largest))
          return 0
      """),

  /** 8 bits for all other processors: a few rows read them directly, many widen them first. */
  PLAIN(
      "List[Tuple[Tensor, Tensor]]",
      """
        def product_KIND(SELF, x: Tensor, i: int) -> Tensor:
          matrix, scale = self.matrices_KIND[i]
          rows = torch.size(x, 0) * torch.size(x, 1)
          if rows <= 16:
            flat = torch.reshape(torch.to(x, 15), [rows, -1])
            y = torch._weight_int8pack_mm(flat, matrix, scale)
            result = torch.view(torch.to(y, 6), [torch.size(x, 0), torch.size(x, 1), -1])
          else:
            y = torch.linear(x, torch.to(matrix, 6))
            result = torch.mul_(y, torch.to(scale, 6))
          return result
        def round_KIND(SELF, w: Tensor) -> int:
          scale = torch.to(torch.clamp_min(torch.div(torch.amax(torch.abs(w), [1]), 127.), 1.0e-30), 15)
          steps = torch.round(torch.div(w, torch.unsqueeze(torch.to(scale, 6), 1)))
          torch.append(self.matrices_KIND, (torch.to(torch.clamp(steps, -127, 127), 1), scale))
          return 0
      """),

  /**
   * 4 bits with a scale and a middle for each 32 numbers of a row: the steps 0 to 15 stand for the
   * middle and what is up to 8 scales below or 7 above. Activations have 8 significant bits, which
   * changes less than the rounding of the matrices does.
   */
  GROUPED(
      "List[Tuple[Tensor, Tensor]]",
      """
        def product_KIND(SELF, x: Tensor, i: int) -> Tensor:
          matrix, scales = self.matrices_KIND[i]
          rows = torch.reshape(torch.to(x, 15, False, False, 0), [torch.size(x, 0) * torch.size(x, 1), -1])
          y = torch.to(torch._weight_int4pack_mm_for_cpu(rows, matrix, 32, scales), 6)
          return torch.view(y, [torch.size(x, 0), torch.size(x, 1), -1])
        def round_KIND(SELF, w: Tensor) -> int:
          groups = torch.reshape(w, [torch.size(w, 0), -1, 32])
          least = torch.amin(groups, [2], True)
          range = torch.sub(torch.amax(groups, [2], True), least)
          scale = torch.to(torch.clamp_min(torch.div(range, 15.), 1.0e-30), 15)
          middle = torch.to(torch.add(least, torch.to(scale, 6), alpha=8.), 15)
          distances = torch.div(torch.sub(groups, torch.to(middle, 6)), torch.to(scale, 6))
          steps = torch.to(torch.clamp(torch.add(torch.round(distances), 8), 0, 15), 3)
          matrix = torch._convert_weight_to_int4pack_for_cpu(torch.flatten(steps, 1), 1)
          scales = torch.contiguous(torch.transpose(torch.cat([scale, middle], 2), 0, 1))
          torch.append(self.matrices_KIND, (matrix, scales))
          return 0
      """) {
    /** What the kernel can divide; logits suffer most from rounding, so their matrix is finer. */
    @Override
    boolean suits(long rows, long width, boolean logits) {
      return rows % 16 == 0 && width % GROUP == 0 && !logits;
    }
  };

  private static final int GROUP = 32;

  /** The type of the attribute that holds its matrices. */
  final String type;

  private final String methods;

  QuantizedProduct(String type, String methods) {
    this.type = type;
    this.methods = methods;
  }

  /** Those for a number format, best first, of which the last suits every matrix. */
  static List<QuantizedProduct> of(Precision precision) {
    if (precision == Precision.INT4) {
      return List.of(GROUPED, eightBits());
    }
    return precision == Precision.INT8 ? List.of(eightBits()) : List.of();
  }

  private static QuantizedProduct eightBits() {
    String platform =
        LibTorch.platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    return platform.endsWith("x86_64") ? PRECISE : PLAIN;
  }

  /**
   * Whether it can multiply by a matrix.
   *
   * @param logits whether the product is the logits
   */
  boolean suits(long rows, long width, boolean logits) {
    return true;
  }

  private String kind() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The attribute that holds its matrices. */
  String attribute() {
    return "matrices_" + kind();
  }

  /** The method that adds a matrix {@code [rows, width]}. */
  String round() {
    return "round_" + kind();
  }

  /** The method that multiplies {@code [b, t, width]} by the matrix of an index. */
  String product() {
    return "product_" + kind();
  }

  /** The text of both methods. */
  String methods() {
    return methods
        .replace("SELF", "self: __torch__." + ProgramWriter.CLASS)
        .replace("KIND", kind());
  }
}
