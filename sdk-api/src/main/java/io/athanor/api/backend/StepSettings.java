package io.athanor.api.backend;

/**
 * What may differ from step to step.
 *
 * @param learningRate at least 0
 * @param clipNorm largest global gradient norm; 0 for no clipping
 */
public record StepSettings(double learningRate, double clipNorm) {
  public StepSettings {
    if (!(learningRate >= 0) || !Double.isFinite(learningRate)) {
      throw new IllegalArgumentException("learningRate must be at least 0, got " + learningRate);
    }
    if (!(clipNorm >= 0)) {
      throw new IllegalArgumentException("clipNorm must be at least 0, got " + clipNorm);
    }
  }
}
