package io.athanor.deploy.target;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.StorageException;
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
   * @throws BackendException retryable, in place of a {@link StorageException}: to those who ask a
   *     model, a server that cannot be reached is an engine that fails
   */
  <T> T make(int inputs, Supplier<T> call) {
    long begin = System.nanoTime();
    try {
      T answer = call.get();
      counts.batch(inputs);
      counts.answered(inputs, System.nanoTime() - begin);
      return answer;
    } catch (StorageException e) {
      counts.failed(inputs);
      throw new BackendException(server.toString(), e.getMessage(), true);
    } catch (AthanorException e) {
      counts.failed(inputs);
      throw e;
    }
  }

  void refused(int inputs) {
    counts.refused(inputs);
  }

  DeploymentStats stats(int waiting) {
    return counts.stats(waiting);
  }
}
