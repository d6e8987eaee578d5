package io.athanor.model;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.tck.reference.ReferenceBackendProvider;

class ReferenceParityTest extends ParityContract {
  @Override
  Backend open() {
    return new ReferenceBackendProvider().open(BackendOptions.defaults());
  }
}
