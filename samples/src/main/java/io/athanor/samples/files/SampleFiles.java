package io.athanor.samples.files;

import io.athanor.api.error.NotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where the samples find their data and leave their results. */
public final class SampleFiles {
  private SampleFiles() {}

  /**
   * A file of {@code samples/data}, seen from the project's root or from the samples folder.
   *
   * @throws NotFoundException if the working directory is another one
   */
  public static Path data(String name) {
    for (Path folder : List.of(Path.of("samples", "data"), Path.of("data"))) {
      Path file = folder.resolve(name);
      if (Files.exists(file)) {
        return file;
      }
    }
    throw new NotFoundException(
        "file samples/data/" + name, List.of(), "Run the sample from the project's root");
  }

  /** The folder named by the first argument, or one under {@code target}. */
  public static Path output(String[] arguments, String name) {
    return arguments.length > 0 ? Path.of(arguments[0]) : Path.of("target", "samples", name);
  }
}
