package io.athanor.tck.reference;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import io.athanor.api.error.UnsupportedException;
import java.util.Set;

/**
 * Opens the reference backend: every operation in plain Java doubles on one thread, for tests. Not
 * announced to {@link java.util.ServiceLoader}, so that it is never chosen by accident.
 */
public final class ReferenceBackendProvider implements BackendProvider {
  @Override
  public String name() {
    return ReferenceBackend.NAME;
  }

  @Override
  public Support probe() {
    return new Support.Supported();
  }

  @Override
  public Set<Capability> capabilities() {
    return ReferenceBackend.CAPABILITIES;
  }

  @Override
  public Backend open(BackendOptions options) {
    if (!options.device().equals("cpu")) {
      throw new UnsupportedException(
          "the reference backend has no device " + options.device(), "Use device cpu");
    }
    return new ReferenceBackend();
  }
}
