package io.athanor.registry.archive;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Names of files that somebody else has chosen. */
final class SafePath {
  private static final int MOST_CHARACTERS = 1000;
  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*");

  private SafePath() {}

  /**
   * Checks that a name stays below the folder it is resolved in.
   *
   * @throws FormatException if it does not, or some system cannot have such a file
   */
  static void require(String source, String path) {
    boolean safe =
        path.length() <= MOST_CHARACTERS
            && !DRIVE.matcher(path).matches()
            && path.chars().noneMatch(c -> c == '\\' || Character.isISOControl(c));
    for (String name : path.split("/", -1)) {
      safe &= !name.isEmpty() && !name.equals(".") && !name.equals("..") && !isMalformed(name);
    }
    if (!safe) {
      throw new FormatException(
          source,
          "'"
              + ArchiveReader.printable(path)
              + "' is no name for a model's file; expected a path below the model's folder with '/'"
              + " between names, without '.', '..', backslashes and control characters");
    }
  }

  /** Half of a pair of characters cannot be written in UTF-8. */
  private static boolean isMalformed(String name) {
    return name.codePoints().anyMatch(c -> Character.getType(c) == Character.SURROGATE);
  }

  /**
   * Checks that files can lie beside each other.
   *
   * @throws FormatException if two have the same name, also where small and capital letters are the
   *     same, or one is the folder of another
   */
  static void requireTogether(String source, Collection<String> paths) {
    Set<String> files = new HashSet<>();
    Set<String> folders = new HashSet<>();
    for (String path : paths) {
      String folded = path.toLowerCase(Locale.ROOT);
      if (!files.add(folded)) {
        throw new FormatException(source, "two files are called '" + path + "'");
      }
      for (int i = folded.indexOf('/'); i >= 0; i = folded.indexOf('/', i + 1)) {
        folders.add(folded.substring(0, i));
      }
    }
    folders.retainAll(files);
    if (!folders.isEmpty()) {
      throw new FormatException(
          source, "'" + folders.iterator().next() + "' is both a file and a folder");
    }
  }

  static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be made (" + e + ")", e);
    }
  }
}
