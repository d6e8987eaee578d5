package io.athanor.backend.dl4j;

import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Support;
import io.athanor.api.error.BackendException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.function.Predicate;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/** ND4J's native library: whether it is there, and how it starts. */
final class Nd4jEngine {
  static final String VERSION = "1.0.0-M2.1";

  private static final String CPU = "org/nd4j/linalg/cpu/nativecpu/";
  private static final String CUDA = "org/nd4j/linalg/jcublas/";
  private static final List<String> FLAVOURS = List.of("", "-avx2", "-avx512");

  private Nd4jEngine() {}

  /** Whether there is a native library for this machine; loads nothing. */
  static Support probe() {
    return probe(Nd4jEngine::present, platform());
  }

  /** Whether the library on the class path is for a kind of device; loads nothing. */
  static Support probe(String device) {
    return probe(Nd4jEngine::present, platform(), device);
  }

  private static boolean present(String resource) {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    ClassLoader own = Nd4jEngine.class.getClassLoader();
    return (context != null ? context : own).getResource(resource) != null;
  }

  static boolean hasCuda() {
    return present(CUDA + "JCublasBackend.class");
  }

  /** The name JavaCPP has for this platform, for example {@code linux-x86_64}. */
  private static String platform() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String architecture = System.getProperty("os.arch");
    String name =
        system.startsWith("win") ? "windows" : system.startsWith("mac") ? "macosx" : "linux";
    return name
        + "-"
        + switch (architecture) {
          case "amd64" -> "x86_64";
          case "aarch64" -> "arm64";
          default -> architecture;
        };
  }

  static Support probe(Predicate<String> present, String platform) {
    boolean cpu = present.test(CPU + "CpuBackend.class");
    boolean cuda = present.test(CUDA + "JCublasBackend.class");
    if (cpu && cuda) {
      return new Support.Unsupported(
          "both nd4j-native and nd4j-cuda are on the class path, and ND4J would choose one",
          "Remove one of them");
    }
    for (String flavour : FLAVOURS) {
      String cpuLibrary = CPU + "bindings/" + platform + flavour + "/" + library("nd4jcpu");
      String cudaLibrary = CUDA + "bindings/" + platform + flavour + "/" + library("nd4jcuda");
      if (present.test(cpuLibrary) || present.test(cudaLibrary)) {
        return new Support.Supported();
      }
    }
    return new Support.Unsupported(
        "there is no native library of ND4J for " + platform + " on the class path",
        "Add org.nd4j:nd4j-native:" + VERSION + ":" + platform + ", or use io.athanor:backend-djl");
  }

  private static String library(String name) {
    return System.mapLibraryName(name);
  }

  static Support probe(Predicate<String> present, String platform, String device) {
    Support support = probe(present, platform);
    boolean cuda = present.test(CUDA + "JCublasBackend.class");
    if (support instanceof Support.Unsupported || cuda != device.equals("cpu")) {
      return support;
    }
    return cuda
        ? new Support.Unsupported(
            "device cpu: nd4j-cuda on the class path computes on CUDA devices only",
            "Replace it by org.nd4j:nd4j-native:" + VERSION + ", or use device cuda:0")
        : new Support.Unsupported(
            "device " + device + ": nd4j-native on the class path computes on the processor only",
            "Use io.athanor:backend-djl, or device cpu; for GPUs of compute capability up to "
                + CudaDevice.NEWEST
                + " replace it by org.nd4j:nd4j-cuda-11.6:"
                + VERSION);
  }

  /**
   * Loads the engine, once for each JVM.
   *
   * @throws BackendException if it does not load
   */
  static void start(BackendOptions options) {
    try {
      Nd4j.getBackend();
      if (options.threads() > 0) {
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(options.threads());
      }
    } catch (RuntimeException | LinkageError e) {
      throw new BackendException(
          Dl4jBackendProvider.NAME,
          "ND4J does not load ("
              + rootCause(e)
              + "). Expected org.nd4j:nd4j-native:"
              + VERSION
              + ", org.bytedeco:openblas and org.bytedeco:javacpp for "
              + platform()
              + " on the class path, and a writable folder for the unpacked libraries"
              + " (-Dorg.bytedeco.javacpp.cachedir)",
          e);
    }
  }

  private static String rootCause(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.toString();
  }

  /** Whatever changes bits. */
  static Map<String, String> identity(BackendOptions options) {
    Properties environment = Nd4j.getExecutioner().getEnvironmentInformation();
    var nativeOps = NativeOpsHolder.getInstance().getDeviceNativeOps();
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backend", Dl4jBackendProvider.NAME);
    identity.put("engine", "nd4j");
    identity.put("nd4j", VERSION);
    identity.put("native", platform());
    identity.put("binary level", "" + nativeOps.binaryLevel());
    identity.put("processor level", "" + nativeOps.optimalLevel());
    identity.put("blas", "" + environment.get("blas.vendor"));
    identity.put("device", options.device());
    identity.put("threads", "" + nativeOps.ompGetMaxThreads());
    return identity;
  }
}
