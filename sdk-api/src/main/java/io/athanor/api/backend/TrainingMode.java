package io.athanor.api.backend;

/**
 * How a graph is compiled for training.
 *
 * @param optimizer the update rule
 * @param precision number format of forward and backward pass; weights stay F32
 * @param seed start of the dropout random stream
 */
public record TrainingMode(Optimizer optimizer, Precision precision, long seed) {}
