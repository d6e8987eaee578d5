package io.athanor.api.deploy;

import java.util.Set;

/** Where a rollout stands. */
public enum RolloutPhase {
  /** The candidate is examined before it gets any traffic. */
  CHECKING,
  /** The candidate has the traffic of the present step. */
  RUNNING,
  /** As {@link #RUNNING}, but it stays at its step until somebody says otherwise. */
  PAUSED,
  /**
   * It is decided that the candidate replaces the champion, and what that takes is being done. It
   * is paused again if that is refused.
   */
  PROMOTING,
  /** The candidate has all traffic; the end. */
  PROMOTED,
  /** The champion has all traffic; the end. */
  ROLLED_BACK;

  /** The phases that may follow: the whole table of transitions. */
  public Set<RolloutPhase> next() {
    return switch (this) {
      case CHECKING -> Set.of(RUNNING, PROMOTING, ROLLED_BACK);
      case RUNNING -> Set.of(RUNNING, PAUSED, PROMOTING, ROLLED_BACK);
      case PAUSED -> Set.of(RUNNING, PROMOTING, ROLLED_BACK);
      case PROMOTING -> Set.of(PROMOTED, PAUSED);
      case PROMOTED, ROLLED_BACK -> Set.of();
    };
  }

  /** Whether nothing follows. */
  public boolean ended() {
    return next().isEmpty();
  }
}
