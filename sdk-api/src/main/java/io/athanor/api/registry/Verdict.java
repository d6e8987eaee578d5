package io.athanor.api.registry;

/** What the gates of a version's evaluation report decided. */
public enum Verdict {
  /** Every gate passed. */
  PASSED,
  /** A gate failed or could not tell. */
  NOT_PASSED,
  /** There is a report, but it was made without gates. */
  NO_GATES,
  /** There is no report. */
  NOT_EVALUATED
}
