package io.athanor.backend.djl;

import io.athanor.api.backend.BackendProvider;
import io.athanor.tck.BackendContract;
import org.junit.jupiter.api.Tag;

/**
 * The contract on the way of a GPU: weights in memory of the device, inputs and results that
 * travel, operations that any device has. Here the device is the processor.
 */
@Tag("heavy")
class SeparateMemoryContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return TestBackends.provider(options -> TestBackends.open(TestBackends.apart(), options));
  }
}
