package io.athanor.backend.dl4j;

import io.athanor.api.backend.BackendProvider;
import io.athanor.tck.BackendContract;

class Dl4jBackendContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new Dl4jBackendProvider();
  }
}
