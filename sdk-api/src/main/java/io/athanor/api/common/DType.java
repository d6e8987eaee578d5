package io.athanor.api.common;

/** Element types of tensors. */
public enum DType {
  F32(4, true),
  F16(2, true),
  BF16(2, true),
  I64(8, false),
  /** Whole numbers, for matrices of quantised layers only. */
  I8(1, false);

  private final int bytes;
  private final boolean floating;

  DType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether the type holds fractions. */
  public boolean floating() {
    return floating;
  }
}
