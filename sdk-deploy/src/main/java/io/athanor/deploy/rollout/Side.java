package io.athanor.deploy.rollout;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.OutOfTime;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A model and how it does. Thread-safe.
 *
 * @param <D> the model
 */
record Side<D>(D model, Meter meter) {
  /** Asks and waits. */
  <A> A ask(Question<D, A> question) {
    long begin = meter.begin();
    try {
      A answer = question.ask(model);
      meter.ended(begin, true);
      return answer;
    } catch (RuntimeException e) {
      ended(meter, begin, e);
      throw e;
    }
  }

  /** Asks. */
  <A> CompletableFuture<A> begin(Question<D, A> question) {
    long begin = meter.begin();
    try {
      CompletableFuture<A> answer = question.begin(model);
      var unused = answer.whenComplete((given, failure) -> ended(meter, begin, failure));
      return answer;
    } catch (RuntimeException e) {
      ended(meter, begin, e);
      throw e;
    }
  }

  /** Measures what became of a request. */
  static void ended(Meter meter, long begin, @Nullable Throwable failure) {
    if (failure != null && rejects(cause(failure))) {
      meter.forget();
    } else {
      meter.ended(begin, failure == null);
    }
  }

  /** Whether a failure says that the request is wrong, or nobody wants its answer any more. */
  static boolean rejects(Throwable failure) {
    return failure instanceof FormatException
        || failure instanceof ValidationException
        || failure instanceof NotFoundException
        || failure instanceof UnsupportedException
        || failure instanceof IllegalArgumentException
        || (failure instanceof CancellationException && !(failure instanceof OutOfTime));
  }

  /** The failure itself, as futures wrap it. */
  static Throwable cause(Throwable failure) {
    boolean wrapped =
        failure instanceof CompletionException || failure instanceof ExecutionException;
    Throwable inner = failure.getCause();
    return wrapped && inner != null ? inner : failure;
  }
}
