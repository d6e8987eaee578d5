package io.athanor.deploy.rollout;

import java.util.Optional;

/**
 * Hears what champion and candidate answered to the same request. Thread-safe; called on a thread
 * that others may be waiting for, so to be quick about it.
 *
 * @param <A> what they answer
 */
@FunctionalInterface
public interface PairListener<A> {
  /**
   * Both have answered.
   *
   * @param key what the caller gave, if anything
   */
  void answered(Optional<String> key, A champion, A candidate);
}
