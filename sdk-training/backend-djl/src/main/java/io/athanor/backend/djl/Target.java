package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.call;

import io.athanor.api.backend.Precision;

/**
 * What a program is written for. In 16 bits, matrix products, convolutions and attention take and
 * give rounded numbers, all else is computed in F32, as PyTorch's autocast does (Micikevicius et
 * al. 2018).
 *
 * @param products number format of products
 */
record Target(ComputeDevice device, Precision products) {
  static final int F32 = 6;
  private static final int F16 = 5;
  private static final int BF16 = 15;

  /** Hides a position in attention: the softmax of the lowest scores is 0 in every format. */
  private static final double HIDDEN = -1e30;

  private static final double HIDDEN_F16 = -3e4;

  boolean separate() {
    return device.separate();
  }

  /** Whether products are in 16 bits. */
  boolean rounds() {
    return products == Precision.BF16 || products == Precision.F16;
  }

  /** An input of the program where the device can read it. */
  String brought(String x) {
    return separate() ? call("to", x, "torch.device(\"" + device.name() + "\")") : x;
  }

  /** What a product reads. */
  String rounded(String x) {
    return rounds() && !x.equals("None")
        ? call("to", x, products == Precision.BF16 ? BF16 : F16)
        : x;
  }

  /** What a product gives, for all others to read. */
  String full(String x) {
    return rounds() ? call("to", x, F32) : x;
  }

  /** Added to the score of a position that is not seen. */
  double hidden() {
    return products == Precision.F16 ? HIDDEN_F16 : HIDDEN;
  }
}
