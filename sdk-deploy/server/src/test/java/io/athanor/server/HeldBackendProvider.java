package io.athanor.server;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Set;

/**
 * The reference backend in a process of its own, held up by whoever started the process: a byte on
 * standard input pauses it, and it says {@code PAUSED} and {@code HELD}; another one resumes it.
 */
public final class HeldBackendProvider implements BackendProvider {
  static final String NAME = "held";
  static final String PAUSED = "paused";
  static final String HELD = "held up";

  private final BackendProvider real = new ReferenceBackendProvider();

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Support probe() {
    return real.probe();
  }

  @Override
  public Set<Capability> capabilities() {
    return real.capabilities();
  }

  @Override
  public Backend open(BackendOptions options) {
    PausableBackend backend = new PausableBackend();
    Thread starter = new Thread(() -> obey(backend, System.out), "held-backend");
    starter.setDaemon(true);
    starter.start();
    return backend;
  }

  private static void obey(PausableBackend backend, PrintStream out) {
    try {
      if (System.in.read() >= 0) {
        backend.pause();
        out.println(PAUSED);
        backend.awaitPaused();
        out.println(HELD);
        int unused = System.in.read();
        backend.resume();
      }
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
