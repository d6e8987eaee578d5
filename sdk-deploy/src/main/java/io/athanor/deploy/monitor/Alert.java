package io.athanor.deploy.monitor;

import java.time.Instant;

/**
 * What somebody is told.
 *
 * @param rule the rule's name
 * @param state whether it is breached, or no longer
 * @param model for example {@code "spam-filter:3"}
 * @param at when it was found
 * @param value measured
 * @param limit of the rule
 * @param message for people
 */
public record Alert(
    String rule,
    State state,
    String model,
    Instant at,
    double value,
    double limit,
    String message) {
  /** How it stands with a rule. */
  public enum State {
    /** It is breached. */
    FIRING,
    /** It was breached, and is no longer. */
    RESOLVED
  }
}
