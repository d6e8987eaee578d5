package io.athanor.api.backend;

/**
 * How a graph is compiled for training.
 *
 * @param optimizer the update rule
 * @param precision number format of forward and backward pass; weights stay F32
 * @param seed start of the dropout random stream
 * @param recompute whether activations are computed again in the backward pass instead of kept
 *     (Chen et al. 2016): less memory, more time, the same bits
 */
public record TrainingMode(Optimizer optimizer, Precision precision, long seed, boolean recompute) {
  /** Keeps the activations. */
  public TrainingMode(Optimizer optimizer, Precision precision, long seed) {
    this(optimizer, precision, seed, false);
  }
}
