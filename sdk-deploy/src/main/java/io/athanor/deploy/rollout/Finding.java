package io.athanor.deploy.rollout;

/**
 * What a guard says of a candidate.
 *
 * @param kind what follows from it
 * @param reason in words, with numbers
 */
public record Finding(Kind kind, String reason) {
  /** What follows from a finding. */
  public enum Kind {
    /** Nothing speaks against going on. */
    GOOD,
    /** There is not enough evidence to go on; the rollout stays at its step. */
    UNDECIDED,
    /** The champion takes all traffic back. */
    BAD
  }

  public static Finding good(String reason) {
    return new Finding(Kind.GOOD, reason);
  }

  public static Finding undecided(String reason) {
    return new Finding(Kind.UNDECIDED, reason);
  }

  public static Finding bad(String reason) {
    return new Finding(Kind.BAD, reason);
  }
}
