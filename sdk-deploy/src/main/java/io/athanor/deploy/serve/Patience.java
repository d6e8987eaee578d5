package io.athanor.deploy.serve;

import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * How long a caller waits for a deployment.
 *
 * @param model that is asked
 * @param backend it runs on
 * @param longest for all answers of a call together
 */
record Patience(ServedModel model, String backend, Duration longest) {
  /**
   * Waits for answers.
   *
   * @param abandon what becomes of each answer in the end; of no effect on those that are done
   * @throws RuntimeException what the engine failed with, or a listener threw
   * @throws BackendException if the time is up or the thread is interrupted; retryable
   */
  <A> List<A> await(List<CompletableFuture<A>> answers, Consumer<CompletableFuture<A>> abandon) {
    List<A> done = new ArrayList<>(answers.size());
    long deadline = System.nanoTime() + longest.toNanos();
    try {
      for (CompletableFuture<A> answer : answers) {
        done.add(answer.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS));
      }
      return done;
    } catch (TimeoutException e) {
      throw new BackendException(
          backend, model + " gave no answer within " + longest + "; try again later", true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BackendException(backend, "interrupted while waiting for " + model, true);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new BackendException(backend, "failed (" + e.getCause() + ")", e);
    } catch (CancellationException e) {
      throw new BackendException(backend, "the request was given up", true);
    } finally {
      answers.forEach(abandon);
    }
  }
}
