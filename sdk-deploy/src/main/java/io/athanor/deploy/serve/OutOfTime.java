package io.athanor.deploy.serve;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/**
 * Says of an answer that it was given up because it took too long, not because nobody wants it any
 * more. The model is to blame, so it counts as an error. Its future is cancelled as by {@link
 * CompletableFuture#cancel}.
 */
public final class OutOfTime extends CancellationException {
  private static final long serialVersionUID = 1L;

  public OutOfTime() {
    super("no answer in time");
  }

  /**
   * Cancels the work for an answer that ended without it: out of time where the answer did. Leaves
   * work that is done alone.
   *
   * @param failure what the answer ended with
   */
  public static void passOn(Throwable failure, CompletableFuture<?> work) {
    if (failure instanceof OutOfTime || failure instanceof TimeoutException) {
      work.completeExceptionally(new OutOfTime());
    } else {
      work.cancel(true);
    }
  }
}
