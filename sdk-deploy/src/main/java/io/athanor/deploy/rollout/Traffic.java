package io.athanor.deploy.rollout;

import java.time.Duration;

/** What guards may look at: the requests of the last minute in this process. Thread-safe. */
public interface Traffic {
  /** The longest window there is. */
  Duration LONGEST_WINDOW = Duration.ofSeconds(60);

  /**
   * What the candidate was asked lately, compared requests included.
   *
   * @param window how far back; whole seconds up to {@link #LONGEST_WINDOW}
   */
  Readings candidate(Duration window);

  /** What the champion was asked lately, as {@link #candidate}. */
  Readings champion(Duration window);
}
