package io.athanor.backend.djl;

import ai.djl.engine.Engine;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import io.athanor.api.backend.Support;
import io.athanor.api.error.BackendException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The native library: whether it is there, and how it starts without a word to any network. */
final class LibTorch {
  static final String ENGINE = "PyTorch";

  private static final Logger LOG = LoggerFactory.getLogger(LibTorch.class);
  private static final String LIBRARY_PATH = "PYTORCH_LIBRARY_PATH";
  private static final String FLAVOUR = "PYTORCH_FLAVOR";
  private static final String NATIVE_PROPERTIES = "native/lib/pytorch.properties";
  private static final String VERSION = "2.7.1";

  /** The version of CUDA that DJL's library is linked to. */
  static final String CUDA = "12.8";

  private static final String CUDA_FLAVOUR = "cu128";
  private static final String OFFLINE = "ai.djl.offline";
  private static final String OPT_OUT = "OPT_OUT_TRACKING";

  private LibTorch() {}

  /** Whether there is a native library for this machine; loads nothing. */
  static Support probe() {
    String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    if (setting(LIBRARY_PATH) != null) {
      return new Support.Supported();
    }
    return probe(platform, NATIVE_PROPERTIES);
  }

  /** The name Maven artifacts have for a platform, for example {@code linux-x86_64}. */
  static String platform(String system, String architecture) {
    String name = system.toLowerCase(Locale.ROOT);
    String prefix = name.startsWith("win") ? "win" : name.startsWith("mac") ? "osx" : "linux";
    return prefix + "-" + (architecture.equals("amd64") ? "x86_64" : architecture);
  }

  static Support probe(String platform, String resource) {
    try {
      List<URL> found = Collections.list(classLoader().getResources(resource));
      for (URL url : found) {
        Properties properties = new Properties();
        try (InputStream in = url.openStream()) {
          properties.load(in);
        }
        if (properties.getProperty("classifier", "").endsWith(platform)) {
          return new Support.Supported();
        }
      }
    } catch (IOException e) {
      LOG.debug("Cannot read {}", resource, e);
    }
    return new Support.Unsupported(
        "there is no libtorch for " + platform + " on the class path",
        "Add ai.djl.pytorch:pytorch-native-cpu:"
            + VERSION
            + ":"
            + platform
            + ", or set "
            + LIBRARY_PATH
            + " to a folder with libtorch "
            + VERSION);
  }

  private static ClassLoader classLoader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context != null ? context : LibTorch.class.getClassLoader();
  }

  /**
   * Loads the engine, once for each JVM.
   *
   * @throws io.athanor.api.error.UnsupportedException if there is no native library
   * @throws BackendException if it does not load
   */
  static synchronized Engine start() {
    probe().require();
    sleepWhileWaiting();
    keepBits();
    System.setProperty(OPT_OUT, "true");
    String before = System.getProperty(OFFLINE);
    String flavourBefore = System.getProperty(FLAVOUR);
    System.setProperty(OFFLINE, "true");
    // DJL would guess a flavour of which it has no library.
    System.setProperty(FLAVOUR, flavour());
    try {
      return Engine.getEngine(ENGINE);
    } catch (RuntimeException | LinkageError e) {
      throw notLoaded(e);
    } finally {
      restore(OFFLINE, before);
      restore(FLAVOUR, flavourBefore);
    }
  }

  private static BackendException notLoaded(Throwable e) {
    String cause = rootCause(e);
    String remedy =
        cause.contains("libcuda.so") || cause.contains("nvcuda.dll")
            ? "That library comes with NVIDIA's driver: install it, or let "
                + LIBRARY_PATH
                + " name a libtorch without CUDA"
            : "Expected ai.djl.pytorch:pytorch-native-cpu:"
                + VERSION
                + " and pytorch-jni of the same version on the class path, and a writable folder for"
                + " the unpacked library (DJL_CACHE_DIR)";
    return new BackendException(
        DjlBackendProvider.NAME, "libtorch does not load (" + cause + "). " + remedy, e);
  }

  private static void restore(String property, @Nullable String value) {
    if (value == null) {
      System.clearProperty(property);
    } else {
      System.setProperty(property, value);
    }
  }

  private static String rootCause(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.toString();
  }

  /**
   * Makes OpenMP's threads sleep when they wait, GNU's after some 0.3 ms. By default they spin, and
   * as soon as another process uses a core, everything waits for a thread that is not running. The
   * host's own settings win.
   */
  private static void sleepWhileWaiting() {
    if (Platform.isWindows() || System.getenv("OMP_WAIT_POLICY") != null) {
      return;
    }
    setEnvironment("OMP_WAIT_POLICY", "PASSIVE");
    setEnvironment("GOMP_SPINCOUNT", "10000");
  }

  /** Keeps CUDA's libraries from rounding F32 to the 10 bits of TF32 in convolutions. */
  private static void keepBits() {
    if (!Platform.isWindows() && flavour().equals(CUDA_FLAVOUR)) {
      setEnvironment("NVIDIA_TF32_OVERRIDE", "0");
    }
  }

  private static void setEnvironment(String name, String value) {
    try {
      NativeLibrary.getInstance("c").getFunction("setenv").invokeInt(new Object[] {name, value, 0});
    } catch (UnsatisfiedLinkError e) {
      LOG.debug("Cannot set {}", name, e);
    }
  }

  /** Which libtorch is loaded: {@code cpu} or that for CUDA. */
  static String flavour() {
    String chosen = setting(FLAVOUR);
    return chosen != null ? chosen : flavour(setting(LIBRARY_PATH));
  }

  static String flavour(@Nullable String libraryPath) {
    Optional<Path> folder = folder(libraryPath);
    return folder.isPresent() && hasCuda(folder.get()) ? CUDA_FLAVOUR : "cpu";
  }

  private static boolean hasCuda(Path folder) {
    return Files.isRegularFile(folder.resolve(System.mapLibraryName("torch_cuda")));
  }

  /** The first folder of a path with a libtorch, as DJL finds it. */
  private static Optional<Path> folder(@Nullable String libraryPath) {
    return libraryPath == null
        ? Optional.empty()
        : Stream.of(libraryPath.split(File.pathSeparator))
            .map(Path::of)
            .filter(path -> Files.isRegularFile(path.resolve(System.mapLibraryName("torch"))))
            .findFirst();
  }

  /** An environment variable, else the system property of its name, as DJL reads them. */
  private static @Nullable String setting(String name) {
    String value = System.getenv(name);
    return value != null ? value : System.getProperty(name);
  }

  /** Whether the libtorch that would be loaded is one for a device; loads nothing. */
  static Support probeDevice(String device) {
    return probeDevice(device, setting(LIBRARY_PATH));
  }

  static Support probeDevice(String device, @Nullable String libraryPath) {
    if (ComputeDevice.isProcessor(device) || flavour(libraryPath).equals(CUDA_FLAVOUR)) {
      return new Support.Supported();
    }
    String found =
        libraryPath == null
            ? LIBRARY_PATH
                + " is not set, and the libtorch on the class path computes on the"
                + " processor only"
            : "there is no "
                + System.mapLibraryName("torch")
                + " with "
                + System.mapLibraryName("torch_cuda")
                + " in "
                + LIBRARY_PATH
                + "="
                + libraryPath;
    return new Support.Unsupported(
        "device " + device + ": " + found,
        "Let "
            + LIBRARY_PATH
            + " name the folder lib of libtorch "
            + VERSION
            + " for CUDA "
            + CUDA
            + ", or use device cpu");
  }
}
