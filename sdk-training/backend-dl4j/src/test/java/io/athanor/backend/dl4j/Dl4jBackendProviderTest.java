package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.tck.fixture.TinyGraphs;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class Dl4jBackendProviderTest {
  private static final String CPU = "org/nd4j/linalg/cpu/nativecpu/";
  private static final String CUDA = "org/nd4j/linalg/jcublas/";

  private static Predicate<String> classPath(String... resources) {
    return Set.of(resources)::contains;
  }

  private static Support.Unsupported unsupported(Support support) {
    assertThat(support).isInstanceOf(Support.Unsupported.class);
    return (Support.Unsupported) support;
  }

  @Test
  void isFoundOnTheClassPathUnderItsName() {
    assertThat(Backends.installed().named("dl4j")).isInstanceOf(Dl4jBackendProvider.class);
    assertThat(Backends.installed().names()).containsExactly("djl", "dl4j");
  }

  @Test
  void claimsNothingItHasNot() {
    assertThat(new Dl4jBackendProvider().capabilities())
        .containsExactlyInAnyOrder(Capability.PREDICT, Capability.TRAIN, Capability.DETERMINISTIC);
  }

  @Test
  void missingNativeLibraryIsNamedWithTheArtifactToAdd() {
    assertThat(Nd4jEngine.probe(classPath(CPU + "CpuBackend.class"), "linux-riscv64"))
        .isEqualTo(
            new Support.Unsupported(
                "there is no native library of ND4J for linux-riscv64 on the class path",
                "Add org.nd4j:nd4j-native:1.0.0-M2.1:linux-riscv64, or use"
                    + " io.athanor:backend-djl"));
  }

  @Test
  void librariesOfBothKindsAreRefused() {
    Support support =
        Nd4jEngine.probe(
            classPath(CPU + "CpuBackend.class", CUDA + "JCublasBackend.class"), "linux-x86_64");
    assertThat(unsupported(support).reason()).contains("both nd4j-native and nd4j-cuda");
  }

  @Test
  void deviceAndLibraryMustBeOfOneKind() {
    Predicate<String> processor =
        classPath(
            CPU + "CpuBackend.class", CPU + "bindings/here/" + System.mapLibraryName("nd4jcpu"));
    Predicate<String> gpu =
        classPath(
            CUDA + "JCublasBackend.class",
            CUDA + "bindings/here/" + System.mapLibraryName("nd4jcuda"));
    assertThat(Nd4jEngine.probe(processor, "here", "cpu")).isEqualTo(new Support.Supported());
    assertThat(Nd4jEngine.probe(gpu, "here", "cuda:1")).isEqualTo(new Support.Supported());
    assertThat(unsupported(Nd4jEngine.probe(processor, "here", "cuda:1")).remedy())
        .contains("backend-djl")
        .contains("org.nd4j:nd4j-cuda-11.6:1.0.0-M2.1");
    assertThat(unsupported(Nd4jEngine.probe(gpu, "here", "cpu")).remedy())
        .contains("org.nd4j:nd4j-native:1.0.0-M2.1");
  }

  @Test
  void deviceWithoutItsLibraryIsRefused() {
    BackendOptions options = BackendOptions.defaults().withDevice("cuda:0");
    assertThatThrownBy(() -> new Dl4jBackendProvider().open(options))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("device cuda:0")
        .hasMessageContaining("backend-djl");
  }

  @Test
  void gpusNewerThanTheKernelsAreRefusedWithTheOtherBackend() {
    for (String capability : List.of("8.9", "9.0", "10.0", "12.1")) {
      Support.Unsupported no = unsupported(CudaDevice.check("cuda:2", capability));
      assertThat(no.reason())
          .contains("device cuda:2 has compute capability " + capability)
          .contains("up to 8.6");
      assertThat(no.remedy()).contains("io.athanor:backend-djl");
    }
    for (String capability : List.of("3.7", "7.5", "8.0", "8.6")) {
      assertThat(CudaDevice.check("cuda:0", capability)).isEqualTo(new Support.Supported());
    }
    assertThat(unsupported(CudaDevice.check("cuda:0", "No devices were found")).reason())
        .contains("not known (No devices were found)");
  }

  @Test
  void whatItCannotDoIsRefusedWithTheOtherBackend() {
    Graph graph = TinyGraphs.mlp();
    try (Backend backend = new Dl4jBackendProvider().open(BackendOptions.defaults())) {
      TrainingMode mode = new TrainingMode(Optimizer.adam(), Precision.F32, 1, true);
      assertThat(unsupported(backend.check(graph, mode)).remedy()).contains("'djl'");
      for (Precision precision : List.of(Precision.BF16, Precision.F16, Precision.INT8)) {
        Support.Unsupported no = unsupported(backend.check(graph, precision));
        assertThat(no.reason()).contains(precision.name());
        assertThat(no.remedy()).contains("'djl'");
      }
      assertThat(unsupported(backend.checkDecoder(graph, Precision.F32)).remedy())
          .contains("DECODE");
      assertThat(backend.identity())
          .containsEntry("nd4j", Nd4jEngine.VERSION)
          .containsKeys("native", "binary level", "threads");
    }
  }
}
