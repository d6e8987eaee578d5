package io.athanor.backend.djl;

/**
 * How a program multiplies by matrices of 8 bits. Each row of a matrix has a scale of its own, and
 * so has each row of activations.
 */
enum QuantizedProduct {
  /**
   * For processors that fbgemm knows. An activation is the sum of two whole numbers up to 63, the
   * second in steps that are 126 times finer, as 8 bits alone change one in eight of the likeliest
   * tokens. Both are rows of the same product, and sums of 16 bits do not overflow.
   */
  PRECISE(
      "List[__torch__.torch.classes.quantized.LinearPackedParamsBase]",
      """
        def product(SELF, x: Tensor, i: int) -> Tensor:
          rows = torch.reshape(x, [torch.size(x, 0) * torch.size(x, 1), 1, -1])
          largest = torch.clamp_min_(torch.linalg_vector_norm(rows, inf, [2], True), 1.0e-30)
          steps = torch.div(largest, torch.tensor([[63.], [63. * 126.]]))
          both = torch.div(rows, steps)
          torch.sub_(torch.select(both, 1, 1), torch.round(torch.select(both, 1, 0)), alpha=126.)
          y = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(both, 1., 64, self.matrices[i])
          sum = torch.matmul(torch.transpose(steps, 1, 2), y)
          return torch.view(sum, [torch.size(x, 0), torch.size(x, 1), -1])
        def round(SELF, w: Tensor) -> int:
          scale = torch.clamp_min(torch.div(torch.amax(torch.abs(w), [1]), 127.), 1.0e-30)
          steps = torch.quantize_per_channel(w, scale, torch.zeros([torch.size(w, 0)], dtype=4), 0, 12)
          torch.append(self.matrices, ops.quantized.linear_prepack(steps, None))
          return 0
      """),

  /** For all others: a few rows read the 8 bits directly, many widen them first. */
  PLAIN(
      "List[Tuple[Tensor, Tensor]]",
      """
        def product(SELF, x: Tensor, i: int) -> Tensor:
          matrix, scale = self.matrices[i]
          rows = torch.size(x, 0) * torch.size(x, 1)
          if rows <= 16:
            flat = torch.reshape(torch.to(x, 15), [rows, -1])
            y = torch._weight_int8pack_mm(flat, matrix, scale)
            result = torch.view(torch.to(y, 6), [torch.size(x, 0), torch.size(x, 1), -1])
          else:
            y = torch.linear(x, torch.to(matrix, 6))
            result = torch.mul_(y, torch.to(scale, 6))
          return result
        def round(SELF, w: Tensor) -> int:
          scale = torch.to(torch.clamp_min(torch.div(torch.amax(torch.abs(w), [1]), 127.), 1.0e-30), 15)
          steps = torch.round(torch.div(w, torch.unsqueeze(torch.to(scale, 6), 1)))
          torch.append(self.matrices, (torch.to(torch.clamp(steps, -127, 127), 1), scale))
          return 0
      """);

  /** The type of the attribute {@code matrices}. */
  final String type;

  private final String methods;

  QuantizedProduct(String type, String methods) {
    this.type = type;
    this.methods = methods;
  }

  /** What suits the processor. */
  static QuantizedProduct ofThisMachine() {
    String platform =
        LibTorch.platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    return platform.endsWith("x86_64") ? PRECISE : PLAIN;
  }

  /** The methods {@code product} and {@code round}, which adds a matrix. */
  String methods() {
    return methods.replace("SELF", "self: __torch__." + ProgramWriter.CLASS);
  }
}
