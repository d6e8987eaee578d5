package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Support;
import io.athanor.api.error.UnsupportedException;
import java.util.List;
import org.junit.jupiter.api.Test;

class DjlBackendProviderTest {
  @Test
  void isFoundOnTheClassPathUnderItsName() {
    assertThat(Backends.installed().only()).isInstanceOf(DjlBackendProvider.class);
    assertThat(Backends.installed().names()).isEqualTo(List.of("djl"));
  }

  @Test
  void missingNativeLibraryIsNamedWithTheArtifactToAdd() {
    assertThat(LibTorch.probe("linux-riscv64", "native/lib/pytorch.properties"))
        .isEqualTo(
            new Support.Unsupported(
                "there is no libtorch for linux-riscv64 on the class path",
                "Add ai.djl.pytorch:pytorch-native-cpu:2.7.1:linux-riscv64, or set"
                    + " PYTORCH_LIBRARY_PATH to a folder with libtorch 2.7.1"));
    assertThat(LibTorch.probe("linux-x86_64", "native/lib/absent.properties"))
        .isInstanceOf(Support.Unsupported.class);
  }

  @Test
  void platformsAreNamedAsTheArtifactsAre() {
    assertThat(LibTorch.platform("Linux", "amd64")).isEqualTo("linux-x86_64");
    assertThat(LibTorch.platform("Mac OS X", "aarch64")).isEqualTo("osx-aarch64");
    assertThat(LibTorch.platform("Windows 11", "amd64")).isEqualTo("win-x86_64");
  }

  @Test
  void otherDevicesAreRefusedBeforeAnythingLoads() {
    assertThatThrownBy(
            () -> new DjlBackendProvider().open(BackendOptions.defaults().withDevice("cuda:0")))
        .isInstanceOf(UnsupportedException.class)
        .hasMessage(
            "Unsupported: device cuda:0: the DJL backend computes on the processor only. Use device"
                + " cpu");
  }

  @Test
  void identityTellsWhatChangesBits() {
    BackendOptions options = BackendOptions.defaults().withThreads(1);
    try (Backend backend = new DjlBackendProvider().open(options)) {
      assertThat(backend.identity())
          .containsEntry("engine", "pytorch")
          .containsEntry("djl", "0.35.1")
          .containsEntry("libtorch", "2.7.1")
          .containsEntry("device", "cpu")
          .containsEntry("threads", "1")
          .containsKeys("native", "processor");
    }
  }
}
