package io.athanor.deploy.serve;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Backends;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * What is opened for a deployment while it is made. Closing it frees all, the last first, unless
 * the deployment has taken it over.
 */
final class Opening implements AutoCloseable {
  private final Backend backend;
  private final Deque<Runnable> opened = new ArrayDeque<>();
  private boolean taken;

  /**
   * @param owned whether the backend is closed with the rest
   */
  Opening(Backend backend, boolean owned) {
    this.backend = backend;
    if (owned) {
      opened.push(backend::close);
    }
  }

  /** The only backend on the class path. */
  static Backend only() {
    BackendProvider provider = Backends.installed().only();
    provider.probe().require();
    return provider.open(BackendOptions.defaults());
  }

  Backend backend() {
    return backend;
  }

  /** Frees something with the rest. */
  <T> T keep(T resource, Consumer<T> free) {
    opened.push(() -> free.accept(resource));
    return resource;
  }

  /** Takes all over: what frees it. */
  Runnable take() {
    taken = true;
    return this::free;
  }

  private void free() {
    RuntimeException problem = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().run();
      } catch (RuntimeException e) {
        problem = e;
      }
    }
    if (problem != null) {
      throw problem;
    }
  }

  @Override
  public void close() {
    if (!taken) {
      free();
    }
  }
}
