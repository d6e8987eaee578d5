package io.athanor.model;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.backend.djl.DjlBackendProvider;

class DjlParityTest extends ParityContract {
  @Override
  Backend open() {
    return new DjlBackendProvider().open(BackendOptions.defaults());
  }
}
