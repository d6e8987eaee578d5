package io.athanor.api.training;

/**
 * When checkpoints are written and how many stay. Does not change what is learned.
 *
 * @param every optimizer steps between two; 0 for the end of each epoch
 * @param keep how many of the newest stay, at least 1
 */
public record CheckpointPolicy(long every, int keep) {
  public CheckpointPolicy {
    if (every < 0) {
      throw new IllegalArgumentException("every must be at least 0, got " + every);
    }
    if (keep < 1) {
      throw new IllegalArgumentException("keep must be at least 1, got " + keep);
    }
  }
}
