package io.athanor.api.model;

import io.athanor.api.common.Digest;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an export has written.
 *
 * @param format its name
 * @param target the absolute path of the file or folder
 * @param bytes of all its files
 * @param digest of the file; where there are several, of the lines that {@code sha256sum} prints of
 *     them, with names from the target's parent on with {@code /}, in the order of names
 * @param weights the digest of the model's weights
 */
public record Exported(String format, Path target, long bytes, Digest digest, Digest weights) {
  /**
   * @param paths files and folders that belong to it
   */
  static Exported of(String format, Path target, List<Path> paths, Digest weights) {
    try {
      List<Path> files = files(paths);
      long bytes = 0;
      StringBuilder lines = new StringBuilder();
      Digest digest = Digest.ofText("");
      for (Path file : files) {
        bytes += Files.size(file);
        digest = Digest.ofFile(file);
        String name = target.resolveSibling("").relativize(file).toString().replace('\\', '/');
        lines.append(digest.hex()).append("  ").append(name).append('\n');
      }
      return new Exported(
          format,
          target,
          bytes,
          files.size() == 1 ? digest : Digest.ofText(lines.toString()),
          weights);
    } catch (IOException e) {
      throw new StorageException(target.toString(), "cannot be read again (" + e + ")", e);
    }
  }

  private static List<Path> files(List<Path> paths) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path path : paths) {
      try (Stream<Path> walk = Files.walk(path)) {
        files.addAll(walk.filter(Files::isRegularFile).toList());
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
    return files.stream().sorted().toList();
  }
}
