package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.common.DType;
import io.athanor.api.error.BackendException;
import org.junit.jupiter.api.Test;

class HostTensorTest {
  @Test
  void whatFitsNoTensorIsRefusedWithARemedy() {
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      assertThatThrownBy(() -> HostTensor.zeros(manager, DType.F32, 1 << 15, 1 << 14))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("would take 2048 MiB")
          .hasMessageContaining("train fewer parameters, for example with Lora");
    }
  }
}
