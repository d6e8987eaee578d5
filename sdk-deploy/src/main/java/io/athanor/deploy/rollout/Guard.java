package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutState;

/**
 * Watches a candidate while it has traffic. Thread-safe; asked some times a second, so it must not
 * block. Unless it keeps its evidence itself, that ends with the process.
 */
public interface Guard {
  /** For reasons and reports, for example {@code "p99 latency"}. */
  String name();

  /**
   * Told before the candidate has any traffic in this process what it watches. What it throws keeps
   * this process from taking part. The store has the rollout by then, and beginning again goes on
   * with it.
   */
  default void begin(RolloutState rollout) {}

  /** What it has to say now. What it throws stops the rollout from going on, and is logged. */
  Finding judge(Traffic traffic);
}
