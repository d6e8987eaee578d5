package io.athanor.api.backend;

import java.util.Set;

/**
 * Announces a backend; found through {@link java.util.ServiceLoader}. Cheap: loads no native code
 * until {@link #open}. Thread-safe.
 */
public interface BackendProvider {
  /** A short lower-case name, for example {@code "djl"}. */
  String name();

  /** Whether it can be opened on this machine, or why not. */
  Support probe();

  /** What an opened backend will claim, at most. */
  Set<Capability> capabilities();

  /**
   * Loads the engine.
   *
   * @throws io.athanor.api.error.BackendException if it does not start
   * @throws io.athanor.api.error.UnsupportedException if the machine lacks what the options ask for
   */
  Backend open(BackendOptions options);
}
