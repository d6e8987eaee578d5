package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Growth of the resident memory of a JVM that repeats its work. It runs alone, its heap is resident
 * from the start and its compiler needs little memory: what grows is the work's own.
 */
final class MemoryGrowth {
  /** Work that keeps nothing was seen to grow by up to 2 MiB. */
  static final long FLAT = 8 * 1024;

  /**
   * Blocks of 4 KiB or more are pages of their own, given back when freed (glibc's mallopt).
   * Without it, what is kept first fills memory that the allocator has left from before, and is not
   * seen.
   */
  private static final Map<String, String> ALLOCATOR =
      Map.of("MALLOC_MMAP_THRESHOLD_", "4096", "MALLOC_ARENA_MAX", "1");

  private static final String RESIDENT = "resident KiB: ";
  private static final int ROUNDS = 8;

  private MemoryGrowth() {}

  /** KiB over eight rounds, after one that warms up, of a main that calls {@link #rounds}. */
  static long of(Class<?> main, String... arguments) throws IOException, InterruptedException {
    ProcessBuilder jvm =
        ChildJvm.of(
            List.of(
                "-Xms64m",
                "-Xmx64m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"),
            main,
            arguments);
    jvm.environment().putAll(ALLOCATOR);
    String output = ChildJvm.output(jvm);
    long[] resident =
        output
            .lines()
            .filter(line -> line.startsWith(RESIDENT))
            .mapToLong(line -> Long.parseLong(line.substring(RESIDENT.length())))
            .toArray();
    assertThat(resident).as(output).hasSize(1 + ROUNDS);
    return resident[ROUNDS] - resident[0];
  }

  /** What the child calls. */
  static void rounds(Runnable round) {
    for (int i = 0; i <= ROUNDS; i++) {
      round.run();
      System.gc();
      System.out.println(RESIDENT + residentKibibytes());
    }
  }

  private static long residentKibibytes() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
