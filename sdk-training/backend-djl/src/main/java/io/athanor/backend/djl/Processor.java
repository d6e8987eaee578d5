package io.athanor.backend.djl;

import io.athanor.api.backend.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The processor, as it decides which vector kernels run. */
final class Processor {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Processor() {}

  /** The model's name where the system tells it, else the architecture. */
  static String name() {
    String architecture = System.getProperty("os.arch");
    return entry("model name").orElse(architecture);
  }

  /** The number formats in which it multiplies at speed, where the system tells it. */
  static Set<Precision> formats() {
    return entry("flags").map(Processor::formats).orElse(Set.of());
  }

  /**
   * Others have 16 bits by conversion, which takes longer than F32, and 4 bits by a loop without
   * vectors.
   */
  static Set<Precision> formats(String flags) {
    List<String> names = List.of(flags.split(" "));
    Set<Precision> formats = EnumSet.noneOf(Precision.class);
    if (names.contains("avx512_bf16") || names.contains("amx_bf16")) {
      formats.add(Precision.BF16);
    }
    if (names.contains("avx2") && names.contains("fma")) {
      formats.add(Precision.INT4);
    }
    return formats;
  }

  private static Optional<String> entry(String key) {
    if (!Files.isReadable(CPU_INFO)) {
      return Optional.empty();
    }
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
