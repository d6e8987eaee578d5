package io.athanor.deploy.rollout;

/**
 * Watches a candidate while it has traffic. Thread-safe; asked some times a second, so it must not
 * block. Its evidence ends with the process: after a restart it begins anew.
 */
public interface Guard {
  /** For reasons and reports, for example {@code "p99 latency"}. */
  String name();

  /** What it has to say now. What it throws stops the rollout from going on, and is logged. */
  Finding judge(Traffic traffic);
}
