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
  INT8
}
