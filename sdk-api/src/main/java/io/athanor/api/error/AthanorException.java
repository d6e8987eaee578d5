package io.athanor.api.error;

import java.util.Objects;

/**
 * Root of everything Athanor throws on purpose. The message has three parts: what happened, what
 * was expected, how to fix it.
 */
public abstract class AthanorException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean retryable;

  AthanorException(String message, Throwable cause, boolean retryable) {
    super(message, cause);
    this.retryable = retryable;
  }

  AthanorException(String message, boolean retryable) {
    super(message);
    this.retryable = retryable;
  }

  /** What happened, what was expected, how to fix it; never null. */
  @Override
  public String getMessage() {
    return Objects.requireNonNullElse(super.getMessage(), "");
  }

  /** Whether the same call may succeed later without a change by the caller. */
  public boolean retryable() {
    return retryable;
  }
}
