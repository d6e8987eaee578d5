package io.athanor.api.training;

/** Why a run ended without a failure. */
public enum StopReason {
  /** All epochs are done. */
  COMPLETED,
  /** The monitored metric stopped improving. */
  STOPPED_EARLY,
  /** Somebody cancelled it, or the JVM was shut down. */
  CANCELLED
}
