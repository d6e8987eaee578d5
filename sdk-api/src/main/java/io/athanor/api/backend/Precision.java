package io.athanor.api.backend;

/** The number format of the arithmetic. */
public enum Precision {
  F32,
  BF16,
  F16,
  /** Matrices rounded to 8 bits, activations as they come; never for training. */
  INT8
}
