package io.athanor.api.error;

/** A failure inside an engine, or an engine that has too much to do. */
public sealed class BackendException extends AthanorException permits OverloadException {
  private static final long serialVersionUID = 1L;

  private final String backend;

  public BackendException(String backend, String problem) {
    super("Backend '" + backend + "': " + problem, false);
    this.backend = backend;
  }

  public BackendException(String backend, String problem, Throwable cause) {
    super("Backend '" + backend + "': " + problem, cause, false);
    this.backend = backend;
  }

  /**
   * @param retryable whether the same call may succeed later, for example after a rush
   */
  public BackendException(String backend, String problem, boolean retryable) {
    super("Backend '" + backend + "': " + problem, retryable);
    this.backend = backend;
  }

  /** The backend's name. */
  public String backend() {
    return backend;
  }
}
