package io.athanor.api.training;

/**
 * When to give up: after this many evaluations in a row that were not better than the best one.
 *
 * @param evaluations at least 1
 * @param minimumChange by how much a value must beat the best one to count as better, at least 0
 */
public record Patience(int evaluations, double minimumChange) {
  public Patience {
    if (evaluations < 1) {
      throw new IllegalArgumentException("evaluations must be at least 1, got " + evaluations);
    }
    if (!(minimumChange >= 0) || !Double.isFinite(minimumChange)) {
      throw new IllegalArgumentException("minimumChange must be at least 0, got " + minimumChange);
    }
  }

  /** Gives up after this many evaluations in a row without any improvement; at least 1. */
  public static Patience patience(int evaluations) {
    return new Patience(evaluations, 0);
  }

  /** The same patience, where smaller improvements do not count. */
  public Patience minimumChange(double change) {
    return new Patience(evaluations, change);
  }
}
