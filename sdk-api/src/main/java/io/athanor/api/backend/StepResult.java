package io.athanor.api.backend;

/**
 * What one optimizer step saw.
 *
 * @param loss weighted mean over the micro-batches
 * @param gradientNorm global norm before clipping
 */
public record StepResult(double loss, double gradientNorm) {}
