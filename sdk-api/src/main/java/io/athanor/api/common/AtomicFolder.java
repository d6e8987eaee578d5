package io.athanor.api.common;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Folders that are either whole or absent: files go to a temporary neighbour, are forced to disk,
 * and the folder takes its name by an atomic rename.
 */
public final class AtomicFolder {
  /** The end of the name of a folder that is being written or was left behind. */
  public static final String TEMPORARY = ".tmp";

  private AtomicFolder() {}

  /** Fills an empty folder. */
  @FunctionalInterface
  public interface Content {
    void writeTo(Path folder) throws IOException;
  }

  /**
   * Creates a folder.
   *
   * @param folder must be absent or empty
   * @throws ConflictException if there is something already; it is untouched
   * @throws StorageException if it cannot be written; nothing stays behind
   */
  public static void write(Path folder, Content content) {
    Path target = folder.toAbsolutePath();
    Path parent = target.getParent();
    if (parent == null) {
      throw new IllegalArgumentException("folder must have a parent, got '" + folder + "'");
    }
    requireFree(target);
    Path temporary =
        parent.resolve("." + target.getFileName() + "." + UUID.randomUUID() + TEMPORARY);
    try {
      Files.createDirectories(temporary);
      content.writeTo(temporary);
      force(temporary);
      Files.deleteIfExists(target);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      AtomicFile.forceFolder(parent);
    } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
      throw taken(target);
    } catch (IOException e) {
      throw unwritable(target, e);
    } catch (StorageException e) {
      throw e.location().startsWith(temporary.toString())
          ? unwritable(target, e.getCause() == null ? e : e.getCause())
          : e;
    } finally {
      deleteQuietly(temporary);
    }
  }

  private static StorageException unwritable(Path target, Throwable cause) {
    return new StorageException(
        target.toString(),
        "cannot be written ("
            + cause
            + "). Check that the folder is writable and the disk not full",
        cause);
  }

  /**
   * Deletes a folder with all it holds; what is absent, or removed by others meanwhile, is fine.
   */
  public static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path left, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(left);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void requireFree(Path target) {
    if (Files.isDirectory(target)) {
      try (Stream<Path> entries = Files.list(target)) {
        if (entries.findAny().isPresent()) {
          throw taken(target);
        }
      } catch (IOException e) {
        throw new StorageException(target.toString(), "cannot be read (" + e + ")", e);
      }
    } else if (Files.exists(target)) {
      throw taken(target);
    }
  }

  private static ConflictException taken(Path target) {
    return new ConflictException(
        target
            + ": expected a folder that is absent or empty, and there is something already;"
            + " choose another folder or delete this one",
        false);
  }

  private static void force(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(folder)) {
      files = walk.toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    for (Path file : files) {
      if (Files.isRegularFile(file)) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      } else {
        AtomicFile.forceFolder(file);
      }
    }
  }

  private static void deleteQuietly(Path folder) {
    try {
      delete(folder);
    } catch (IOException e) {
      // A leftover temporary folder is harmless, and the first failure is the one to report.
    }
  }
}
