package io.athanor.deploy.target;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.ServingCounts;
import java.util.function.Supplier;

/** Calls to a model that a server has, counted for its statistics. Thread-safe. */
final class CountedCalls {
  private final RemoteServer server;
  private final ServingCounts counts = new ServingCounts();

  CountedCalls(RemoteServer server) {
    this.server = server;
  }

  /**
   * Makes a call.
   *
   * @param inputs that it brings
   * @param arrival when they came, in {@link System#nanoTime}
   * @throws ValidationException if the server refuses the inputs, which is not counted
   * @throws BackendException as {@link #failure}
   */
  <T> T make(int inputs, long arrival, Supplier<T> call) {
    try {
      T answer = call.get();
      counts.batch(inputs);
      counts.answered(inputs, System.nanoTime() - arrival);
      return answer;
    } catch (ValidationException e) {
      throw e;
    } catch (ListenerException e) {
      counts.failed(inputs);
      throw e.thrown();
    } catch (StorageException | NotFoundException | FormatException e) {
      counts.failed(inputs);
      throw failure(e);
    } catch (RuntimeException e) {
      counts.failed(inputs);
      throw e;
    }
  }

  /**
   * What to throw to those who ask a model, instead of what the server did: one that cannot be
   * reached, has the model no more, or answers what nobody understands is an engine that fails.
   *
   * @return retryable if it may be reached later
   */
  BackendException failure(AthanorException cause) {
    return new BackendException(
        server.toString(),
        server.withoutToken(cause.getMessage()),
        cause instanceof StorageException);
  }

  void refused(int inputs) {
    counts.refused(inputs);
  }

  DeploymentStats stats(int waiting) {
    return counts.stats(waiting);
  }
}
