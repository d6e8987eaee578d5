package io.athanor.registry;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The main class of child processes that die in the middle of their work on an archive. */
final class ArchiveProcess {
  /** How a child ends that was halted. */
  static final int HALTED = 9;

  private ArchiveProcess() {}

  /** What a child does. */
  enum Work {
    EXPORT,
    IMPORT,
    BACKUP,
    RESTORE
  }

  /**
   * Runs a child to its end.
   *
   * @param step of the progress at which it halts; with a number that is never reached it finishes
   * @return its exit status
   */
  static int run(Work work, Path folder, Path file, int step)
      throws IOException, InterruptedException {
    Process process = start(work, folder, file, step);
    try {
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        throw new AssertionError(work + " hangs at step " + step);
      }
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  static Process start(Work work, Path folder, Path file, int step) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "-Djava.io.tmpdir=" + file.getParent(),
            "-cp",
            System.getProperty("java.class.path"),
            ArchiveProcess.class.getName(),
            work.name(),
            folder.toString(),
            file.toString(),
            Integer.toString(step))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  public static void main(String[] arguments) {
    Path file = Path.of(arguments[2]);
    int last = Integer.parseInt(arguments[3]);
    int[] steps = {0};
    try (ModelRegistry registry = ModelRegistry.open(Path.of(arguments[1]))) {
      Archive archive =
          registry
              .archive()
              .progress(
                  (done, total) -> {
                    if (++steps[0] == last) {
                      Runtime.getRuntime().halt(HALTED);
                    }
                  });
      switch (Work.valueOf(arguments[0])) {
        case EXPORT -> archive.export(registry.version("m", 1), file);
        case IMPORT -> archive.importFrom(file);
        case BACKUP -> archive.backup(file);
        case RESTORE -> archive.restore(file);
      }
    }
  }
}
