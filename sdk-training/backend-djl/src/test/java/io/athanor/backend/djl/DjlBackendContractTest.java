package io.athanor.backend.djl;

import io.athanor.api.backend.BackendProvider;
import io.athanor.tck.BackendContract;

class DjlBackendContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }
}
