package io.athanor.backend.djl;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import io.athanor.tck.BackendContract;
import java.util.Set;

/** The contract where autograd computes every gradient, operation by operation. */
class AutogradContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
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
        return new DjlBackend(
            LibTorch.start(), options, new LeakReporter(), new WritingChoice(true, 0));
      }
    };
  }
}
