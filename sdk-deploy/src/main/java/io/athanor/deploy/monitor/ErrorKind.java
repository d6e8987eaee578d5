package io.athanor.deploy.monitor;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.OutOfTime;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;

/** Why a request got no answer. */
public enum ErrorKind {
  /** The request was wrong: its caller's fault, not counted in the error rate. */
  REQUEST,
  /** The caller gave it up; not counted in the error rate. */
  CANCELLED,
  /** There was too much to do, or too little time. */
  OVERLOAD,
  /** The engine failed, or something else that should not. */
  FAILURE;

  /** Whether the deployment is to blame. */
  public boolean counts() {
    return this == OVERLOAD || this == FAILURE;
  }

  static ErrorKind of(Throwable thrown) {
    Throwable cause =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (cause instanceof OutOfTime || cause instanceof TimeoutException) {
      return OVERLOAD;
    }
    if (cause instanceof CancellationException) {
      return CANCELLED;
    }
    if (cause instanceof FormatException
        || cause instanceof ValidationException
        || cause instanceof NotFoundException
        || cause instanceof UnsupportedException
        || cause instanceof IllegalArgumentException) {
      return REQUEST;
    }
    boolean later = cause instanceof AthanorException ours && ours.retryable();
    return cause instanceof BackendException && later ? OVERLOAD : FAILURE;
  }
}
