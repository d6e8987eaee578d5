package io.athanor.server.serving;

import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.BackendException;
import io.athanor.server.http.HttpProblem;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Begins work of models, and says of their refusals what HTTP says of them. */
public final class Asking {
  private Asking() {}

  /**
   * Begins something.
   *
   * @throws HttpProblem 429 if the model has too much to do, 503 if it is being taken down
   */
  public static <T> T begin(LiveModel live, Supplier<T> call) {
    try {
      return call.get();
    } catch (BackendException e) {
      if (e.retryable()) {
        throw HttpProblem.busy();
      }
      throw e;
    } catch (IllegalStateException e) {
      throw HttpProblem.unavailable(live.model() + " is being taken down; try another server");
    }
  }

  /**
   * What is to be done with an answer, on another thread than the model's; with a failure too,
   * which the result carries on.
   */
  public static <T> CompletableFuture<Void> answered(
      CompletableFuture<T> answer, Executor writers, Consumer<T> writer) {
    CompletableFuture<Void> written = new CompletableFuture<>();
    CompletableFuture<T> unused =
        answer.whenCompleteAsync(
            (done, failure) -> {
              if (failure != null) {
                written.completeExceptionally(failure);
                return;
              }
              try {
                writer.accept(done);
                written.complete(null);
              } catch (RuntimeException | Error e) {
                written.completeExceptionally(e);
              }
            },
            writers);
    return written;
  }
}
