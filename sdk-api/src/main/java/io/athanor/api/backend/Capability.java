package io.athanor.api.backend;

/** What a backend claims; the contract tests of each claim must pass. */
public enum Capability {
  /** Runs forward passes. */
  PREDICT,
  /** Computes gradients and optimizer steps. */
  TRAIN,
  /** Same seed, device and thread count give the same bits. */
  DETERMINISTIC,
  /** Goes on from what it has read, as a {@link Decoder}. */
  DECODE,
  /** Arithmetic in {@link Precision#INT8}. */
  INT8,
  /** Arithmetic in {@link Precision#INT4}. */
  INT4,
  /** Arithmetic in {@link Precision#BF16}. */
  BF16,
  /** Arithmetic in {@link Precision#F16}. */
  F16,
  /** Runs on CUDA devices. */
  CUDA
}
