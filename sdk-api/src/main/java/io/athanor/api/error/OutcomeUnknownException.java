package io.athanor.api.error;

/** A change of which nobody can know whether it took effect; look before repeating it. */
public final class OutcomeUnknownException extends AthanorException {
  private static final long serialVersionUID = 1L;

  /**
   * @param problem what was being changed and how to find out whether it was
   * @param cause the failure underneath
   */
  public OutcomeUnknownException(String problem, Throwable cause) {
    super(problem, cause, false);
  }
}
