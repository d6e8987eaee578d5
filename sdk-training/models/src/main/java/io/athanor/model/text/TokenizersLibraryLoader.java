package io.athanor.model.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.athanor.api.error.UnsupportedException;
import java.util.Locale;

/**
 * Loads Hugging Face's native tokenizers. Only the bridge to the library is used, and neither DJL's
 * engine nor its own tokenizer class, because those send a message to their makers when they start.
 */
final class TokenizersLibraryLoader {
  private static final String LIBRARY_PATH = "RUST_LIBRARY_PATH";
  private static final String FLAVOR = "RUST_FLAVOR";

  private TokenizersLibraryLoader() {}

  /**
   * The library, loaded once for each JVM.
   *
   * @throws UnsupportedException if there is none for this machine, or it does not load
   */
  static synchronized TokenizersLibrary load() {
    if (!isSet(LIBRARY_PATH)) {
      require(platform(System.getProperty("os.name"), System.getProperty("os.arch")));
    }
    if (!isSet(FLAVOR)) {
      // With another flavor, DJL downloads a library where it finds a graphics card.
      System.setProperty(FLAVOR, "cpu");
    }
    try {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    } catch (RuntimeException | LinkageError e) {
      throw new UnsupportedException(
          "the native tokenizers library does not load (" + rootCause(e) + ")",
          "Let the folder named by DJL_CACHE_DIR, else ~/.djl.ai, be writable, or set "
              + LIBRARY_PATH
              + " to a folder that holds the library of ai.djl.huggingface:tokenizers");
    }
  }

  private static boolean isSet(String name) {
    return System.getenv(name) != null || System.getProperty(name) != null;
  }

  /** The name that the library's folder has for a platform, for example {@code linux-x86_64}. */
  static String platform(String system, String architecture) {
    String name = system.toLowerCase(Locale.ROOT);
    String prefix = name.startsWith("win") ? "win" : name.startsWith("mac") ? "osx" : "linux";
    return prefix + "-" + (architecture.equals("amd64") ? "x86_64" : architecture);
  }

  static void require(String platform) {
    String folder = "native/lib/" + platform + "/cpu/";
    String library =
        platform.startsWith("win")
            ? "tokenizers.dll"
            : platform.startsWith("osx") ? "libtokenizers.dylib" : "libtokenizers.so";
    if (LibUtils.class.getClassLoader().getResource(folder + library) == null) {
      throw new UnsupportedException(
          "ai.djl.huggingface:tokenizers has no native library for " + platform,
          "Use linux-x86_64, linux-aarch64, osx-aarch64 or win-x86_64, or set "
              + LIBRARY_PATH
              + " to a folder that holds "
              + library);
    }
  }

  private static String rootCause(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.toString();
  }
}
