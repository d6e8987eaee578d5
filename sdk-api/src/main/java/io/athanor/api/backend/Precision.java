package io.athanor.api.backend;

/**
 * The number format of the arithmetic. In one of 16 bits, matrix products, convolutions and
 * attention take and give rounded numbers; norms, softmax, losses, the weights in training, their
 * gradients and the optimizer keep 32 bits. {@link Backend#check} tells what a device has.
 */
public enum Precision {
  F32,
  /** The range of F32 with 8 significant bits. */
  BF16,
  /** 11 significant bits, numbers up to 65504; small gradients vanish. */
  F16,
  /** Matrices rounded to 8 bits, activations as they come; never for training. */
  INT8,
  /**
   * Matrices rounded to 4 bits, a scale and an offset for each group of neighbouring weights; never
   * for training. A matrix that groups do not divide, or that gives the logits, is rounded to 8.
   */
  INT4
}
