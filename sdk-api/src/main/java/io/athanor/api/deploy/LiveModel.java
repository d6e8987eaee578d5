package io.athanor.api.deploy;

/** A model that answers, whatever it is asked. Thread-safe. */
public interface LiveModel extends AutoCloseable {
  /** The model that answers. */
  ServedModel model();

  /** Counts and latencies so far, also after {@link #close}. */
  DeploymentStats stats();

  /** Takes no more requests, answers those it has, and frees the engine's memory; twice is fine. */
  @Override
  void close();
}
