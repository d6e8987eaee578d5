package io.athanor.backend.djl;

import ai.djl.engine.Engine;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import io.athanor.api.backend.Support;
import io.athanor.api.error.BackendException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The native library: whether it is there, and how it starts without a word to any network. */
final class LibTorch {
  static final String ENGINE = "PyTorch";

  private static final Logger LOG = LoggerFactory.getLogger(LibTorch.class);
  private static final String LIBRARY_PATH = "PYTORCH_LIBRARY_PATH";
  private static final String NATIVE_PROPERTIES = "native/lib/pytorch.properties";
  private static final String VERSION = "2.7.1";
  private static final String OFFLINE = "ai.djl.offline";
  private static final String OPT_OUT = "OPT_OUT_TRACKING";

  private LibTorch() {}

  /** Whether there is a native library for this machine; loads nothing. */
  static Support probe() {
    String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
    if (System.getenv(LIBRARY_PATH) != null || System.getProperty(LIBRARY_PATH) != null) {
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
    System.setProperty(OPT_OUT, "true");
    String before = System.getProperty(OFFLINE);
    System.setProperty(OFFLINE, "true");
    try {
      return Engine.getEngine(ENGINE);
    } catch (RuntimeException | LinkageError e) {
      throw new BackendException(
          DjlBackendProvider.NAME,
          "libtorch does not load ("
              + rootCause(e)
              + "). Expected ai.djl.pytorch:pytorch-native-cpu:"
              + VERSION
              + " and pytorch-jni of the same version on the class path, and a writable folder for"
              + " the unpacked library (DJL_CACHE_DIR)",
          e);
    } finally {
      restore(OFFLINE, before);
    }
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

  private static void setEnvironment(String name, String value) {
    try {
      NativeLibrary.getInstance("c").getFunction("setenv").invokeInt(new Object[] {name, value, 0});
    } catch (UnsatisfiedLinkError e) {
      LOG.debug("Cannot set {}", name, e);
    }
  }

  /** Whether the engine can compute on a device. */
  static Support probeDevice(String device) {
    return device.equals("cpu")
        ? new Support.Supported()
        : new Support.Unsupported(
            "device " + device + ": the DJL backend computes on the processor only",
            "Use device cpu");
  }
}
