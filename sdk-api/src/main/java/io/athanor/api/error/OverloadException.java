package io.athanor.api.error;

/** An engine that has too much to do at the moment; the same call may succeed after the rush. */
public final class OverloadException extends BackendException {
  private static final long serialVersionUID = 1L;

  public OverloadException(String backend, String problem) {
    super(backend, problem, true);
  }
}
