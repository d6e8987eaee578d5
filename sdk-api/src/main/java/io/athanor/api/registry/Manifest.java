package io.athanor.api.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The files of a version with their digests.
 *
 * @param files at least one, ordered by path
 */
public record Manifest(List<Entry> files) {
  public Manifest {
    files = files.stream().sorted(Comparator.comparing(Entry::path)).toList();
    if (files.isEmpty()) {
      throw new IllegalArgumentException("files must not be empty");
    }
    Set<String> paths = new HashSet<>();
    for (Entry file : files) {
      if (!paths.add(file.path())) {
        throw new IllegalArgumentException("two files are called '" + file.path() + "'");
      }
    }
  }

  /**
   * One file.
   *
   * @param path below the version's folder, with {@code /} between names
   * @param bytes its size
   * @param digest of its content
   */
  public record Entry(String path, long bytes, Digest digest) {}

  /** The size of all files. */
  public long bytes() {
    return files.stream().mapToLong(Entry::bytes).sum();
  }

  /** The digest of {@link #text}: it changes when any file's path or content does. */
  public Digest digest() {
    return Digest.ofText(text());
  }

  /** A line for each file as {@code sha256sum} writes and checks it. */
  public String text() {
    StringBuilder text = new StringBuilder();
    for (Entry file : files) {
      text.append(file.digest().hex()).append("  ").append(file.path()).append('\n');
    }
    return text.toString();
  }

  /**
   * Reads every file of a folder and checks that it holds these files and no other.
   *
   * @throws FormatException if a file is missing, differs or should not be there; names it with
   *     expected and actual digest
   * @throws StorageException if a file cannot be read
   */
  public void verify(Path folder) {
    for (Entry file : files) {
      verify(folder.resolve(file.path()), file);
    }
    Set<String> known = new HashSet<>();
    files.forEach(file -> known.add(file.path()));
    try (Stream<Path> walk = Files.walk(folder)) {
      walk.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .filter(path -> !known.contains(relative(folder, path)))
          .findFirst()
          .ifPresent(
              path -> {
                throw new FormatException(
                    path.toString(), "not one of the version's files; move it elsewhere");
              });
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static void verify(Path path, Entry file) {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new FormatException(
          path.toString(),
          "missing; expected a file with digest " + file.digest() + ". Restore it from a copy");
    }
    Digest actual;
    try {
      actual = Digest.ofFile(path);
    } catch (IOException e) {
      throw new StorageException(path.toString(), "cannot be read (" + e + ")", e);
    }
    if (!actual.equals(file.digest())) {
      throw new FormatException(
          path.toString(),
          "damaged or changed: expected digest "
              + file.digest()
              + ", got "
              + actual
              + ". Restore the file from a copy or register the model again");
    }
  }

  private static String relative(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }
}
