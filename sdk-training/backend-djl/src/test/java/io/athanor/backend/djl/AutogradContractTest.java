package io.athanor.backend.djl;

import io.athanor.api.backend.BackendProvider;
import io.athanor.tck.BackendContract;

/** The contract where autograd computes every gradient, operation by operation. */
class AutogradContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return TestBackends.provider(
        options ->
            new DjlBackend(
                LibTorch.start(), options, new LeakReporter(), new WritingChoice(true, 0)));
  }
}
