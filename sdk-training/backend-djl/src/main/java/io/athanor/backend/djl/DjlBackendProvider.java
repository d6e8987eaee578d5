package io.athanor.backend.djl;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import java.util.EnumSet;
import java.util.Set;

/**
 * Announces the backend {@code djl}: PyTorch's libtorch through DJL. Nothing is downloaded and no
 * connection opened; the native library comes from the class path or from {@code
 * PYTORCH_LIBRARY_PATH}, which must hold the flavour for CUDA if a device {@code cuda:N} is asked
 * for. Thread-safe.
 */
public final class DjlBackendProvider implements BackendProvider {
  static final String NAME = "djl";

  /** On the right device; {@link Backend#capabilities} tells what one has. */
  private static final Set<Capability> CAPABILITIES = Set.copyOf(EnumSet.allOf(Capability.class));

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Support probe() {
    return LibTorch.probe();
  }

  @Override
  public Set<Capability> capabilities() {
    return CAPABILITIES;
  }

  @Override
  public Backend open(BackendOptions options) {
    LibTorch.probeDevice(options.device()).require();
    return new DjlBackend(LibTorch.start(), options, new LeakReporter());
  }
}
