package io.athanor.api.error;

/** A change that lost a race or collides with what exists; nothing was changed. */
public final class ConflictException extends AthanorException {
  private static final long serialVersionUID = 1L;

  /**
   * @param problem what was expected, what was found, how to go on
   * @param retryable whether reading again and repeating the call can succeed
   */
  public ConflictException(String problem, boolean retryable) {
    super(problem, retryable);
  }
}
