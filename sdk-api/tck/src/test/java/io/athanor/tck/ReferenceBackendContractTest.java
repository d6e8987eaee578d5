package io.athanor.tck;

import io.athanor.api.backend.BackendProvider;
import io.athanor.tck.reference.ReferenceBackendProvider;

class ReferenceBackendContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new ReferenceBackendProvider();
  }
}
