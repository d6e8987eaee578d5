package io.athanor.backend.djl;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import java.util.Set;
import java.util.function.Function;

/** Backends that the provider does not open on this machine. */
final class TestBackends {
  private TestBackends() {}

  /** The processor, used as if its memory were that of a device. */
  static ComputeDevice apart() {
    return new ComputeDevice("cpu", true, Set.of());
  }

  /** The processor, allowed all number formats; libtorch has small products in all of them. */
  static ComputeDevice rounding(boolean separate) {
    return new ComputeDevice("cpu", separate, Set.of(Precision.BF16, Precision.F16));
  }

  static Backend open(ComputeDevice device, WritingChoice writing) {
    BackendOptions options = BackendOptions.defaults().withThreads(1);
    return new DjlBackend(LibTorch.start(), options, new LeakReporter(), writing, device);
  }

  static Backend open(ComputeDevice device, BackendOptions options) {
    return new DjlBackend(
        LibTorch.start(), options, new LeakReporter(), WritingChoice.STANDARD, device);
  }

  /** The provider of DJL's backend, but for how it opens one. */
  static BackendProvider provider(Function<BackendOptions, Backend> opening) {
    BackendProvider standard = new DjlBackendProvider();
    return new BackendProvider() {
      @Override
      public String name() {
        return standard.name();
      }

      @Override
      public Support probe() {
        return standard.probe();
      }

      @Override
      public Set<Capability> capabilities() {
        return standard.capabilities();
      }

      @Override
      public Backend open(BackendOptions options) {
        return opening.apply(options);
      }
    };
  }
}
