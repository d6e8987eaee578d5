package io.athanor.api.backend;

/** The number format of the arithmetic. */
public enum Precision {
  F32,
  BF16,
  F16
}
