package io.athanor.deploy.serve;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;

/** What callers hear of a batch that an engine did not get through. */
final class EngineFailure {
  private EngineFailure() {}

  /** Our own exceptions as they are, all else as a failure of the backend. */
  static AthanorException of(String backend, Throwable thrown) {
    return thrown instanceof AthanorException ours
        ? ours
        : new BackendException(backend, "failed on a batch (" + thrown + ")", thrown);
  }
}
