package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.error.UnsupportedException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
  void deviceWithoutItsLibraryIsRefusedBeforeAnythingLoads(@TempDir Path folder)
      throws IOException {
    String remedy =
        "Let PYTORCH_LIBRARY_PATH name the folder lib of libtorch 2.7.1 for CUDA 12.8, or use"
            + " device cpu";
    assertThat(LibTorch.probeDevice("cuda:0", null))
        .isEqualTo(
            new Support.Unsupported(
                "device cuda:0: PYTORCH_LIBRARY_PATH is not set, and the libtorch on the class path"
                    + " computes on the processor only",
                remedy));
    String torch = System.mapLibraryName("torch");
    String cuda = System.mapLibraryName("torch_cuda");
    Files.createFile(folder.resolve(torch));
    assertThat(LibTorch.probeDevice("cuda:1", folder.toString()))
        .isEqualTo(
            new Support.Unsupported(
                "device cuda:1: there is no "
                    + torch
                    + " with "
                    + cuda
                    + " in PYTORCH_LIBRARY_PATH="
                    + folder,
                remedy));
    assertThat(LibTorch.flavour(folder.toString())).isEqualTo("cpu");
    Files.createFile(folder.resolve(cuda));
    assertThat(LibTorch.probeDevice("cuda:1", folder.toString()))
        .isEqualTo(new Support.Supported());
    assertThat(LibTorch.flavour(folder.resolve("absent") + File.pathSeparator + folder))
        .isEqualTo("cu128");
    assertThat(LibTorch.flavour(null)).isEqualTo("cpu");
  }

  @Test
  void deviceThatDoesNotAnswerIsRefusedWithWhatTheLibrarySays() {
    LibTorch.start();
    assertThatThrownBy(() -> ComputeDevice.open("cuda:3", new NativeCalls()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageStartingWith("Unsupported: device cuda:3; libtorch says: ")
        .hasMessageContaining("CUDA")
        .hasMessageEndingWith(
            "Name a device that nvidia-smi -L lists, have an NVIDIA driver for CUDA 12.8, or use"
                + " device cpu");
  }

  @Test
  void deviceDecidesWhatIsClaimed() {
    ComputeDevice gpu = new ComputeDevice("cuda:0", true, Set.of(Precision.BF16, Precision.F16));
    assertThat(gpu.capabilities())
        .contains(Capability.CUDA, Capability.TRAIN, Capability.BF16, Capability.F16)
        .doesNotContain(Capability.DETERMINISTIC, Capability.INT8, Capability.INT4);
    assertThat(gpu.decodes(Precision.INT8)).isInstanceOf(Support.Unsupported.class);
    assertThat(gpu.decodes(Precision.INT4))
        .isEqualTo(
            new Support.Unsupported(
                "INT4 arithmetic on device cuda:0: only decoders on the processor have it",
                "Use Precision.F32"));
    assertThat(gpu.trains(Precision.BF16)).isEqualTo(new Support.Supported());
    assertThat(gpu.trains(Precision.F16))
        .isEqualTo(
            new Support.Unsupported(
                "training in F16: small gradients vanish unless the loss is scaled, which this"
                    + " backend does not do",
                "Train in BF16 or F32"));
    ComputeDevice processor = new ComputeDevice("cpu", false, Set.of());
    assertThat(processor.capabilities())
        .contains(Capability.DETERMINISTIC, Capability.INT8)
        .doesNotContain(Capability.CUDA, Capability.BF16, Capability.INT4);
    assertThat(processor.decodes(Precision.INT4))
        .isEqualTo(
            new Support.Unsupported(
                "INT4 arithmetic on device cpu: libtorch has fast products for Linux on processors"
                    + " with AVX2 and FMA, which this is not, or they were wrong",
                "Use Precision.INT8"));
    assertThat(processor.predicts(Precision.BF16))
        .isEqualTo(
            new Support.Unsupported(
                "BF16 arithmetic on device cpu: the processor has neither AVX512_BF16 nor AMX_BF16,"
                    + " or a small product was wrong",
                "Use Precision.F32"));
  }

  @Test
  void fourBitsAreForDecodersOnProcessorsThatMultiplyThemFast() {
    ComputeDevice processor = new ComputeDevice("cpu", false, Set.of(Precision.INT4));
    assertThat(processor.capabilities()).contains(Capability.INT4);
    assertThat(processor.decodes(Precision.INT4)).isEqualTo(new Support.Supported());
    for (Support refused :
        List.of(processor.predicts(Precision.INT4), processor.trains(Precision.INT4))) {
      assertThat(refused)
          .isEqualTo(
              new Support.Unsupported(
                  "INT4 arithmetic on device cpu: only decoders on the processor have it",
                  "Use Precision.F32"));
    }
  }

  @Test
  void processorHasFormatsWhereItsFlagsSaySo() {
    assertThat(Processor.formats("fpu avx512f avx512_vnni")).isEmpty();
    assertThat(Processor.formats("sse avx2")).isEmpty();
    assertThat(Processor.formats("fma avx2")).containsExactly(Precision.INT4);
    assertThat(Processor.formats("avx512_bf16")).containsExactly(Precision.BF16);
    assertThat(Processor.formats("sse amx_bf16 amx_int8")).containsExactly(Precision.BF16);
  }

  @Test
  void exhaustedMemoryAndLostDevicesSayWhatToDo() {
    assertThat(NativeCalls.explained("CUDA out of memory. Tried to allocate 20.00 GiB."))
        .startsWith("there is no room for the tensors of this call; use smaller batches")
        .contains("recompute activations")
        .endsWith("CUDA out of memory. Tried to allocate 20.00 GiB.");
    assertThat(NativeCalls.explained("DefaultCPUAllocator: can't allocate memory"))
        .startsWith("there is no room");
    assertThat(NativeCalls.explained("CUDA error: an illegal memory access was encountered"))
        .endsWith("start the JVM anew, as the device does not recover within a process");
    assertThat(NativeCalls.explained("shapes differ")).isEqualTo("shapes differ");
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
