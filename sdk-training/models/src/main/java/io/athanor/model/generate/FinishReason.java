package io.athanor.model.generate;

/** Why a model stopped. */
public enum FinishReason {
  /** It gave one of its end tokens. */
  END_TOKEN,
  /** Its text contained one of the stop strings. */
  STOP_STRING,
  /** It reached the most new tokens, or the end of its context. */
  LENGTH,
  /** The listener wanted no more. */
  CANCELLED,
  /** A filter wanted no more of it to be read. */
  FILTERED
}
