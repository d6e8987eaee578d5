package io.athanor.deploy;

import io.athanor.deploy.serve.InProcess;

/**
 * Where to begin: brings models to those who ask them.
 *
 * <pre>{@code
 * try (var live = Deployments.inProcess().deploy(version)) {
 *   live.predict("You WON a prize!!");
 * }
 * }</pre>
 */
public final class Deployments {
  private Deployments() {}

  /** Serves in this process, gathering the requests of many threads into batches. */
  public static InProcess inProcess() {
    return new InProcess();
  }
}
