package io.athanor.backend.djl;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import java.util.Set;

/**
 * Announces the backend {@code djl}: PyTorch's libtorch through DJL. Nothing is downloaded and no
 * connection opened; the native library comes from the class path or from {@code
 * PYTORCH_LIBRARY_PATH}. Thread-safe.
 */
public final class DjlBackendProvider implements BackendProvider {
  static final String NAME = "djl";

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
    return DjlBackend.CAPABILITIES;
  }

  @Override
  public Backend open(BackendOptions options) {
    LibTorch.probeDevice(options.device()).require();
    return new DjlBackend(LibTorch.start(), options, new LeakReporter());
  }
}
