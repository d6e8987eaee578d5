package io.athanor.registry.blob;

import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Files and folders below one that other processes may change meanwhile. */
final class FileTree {
  private FileTree() {}

  /** What is there and meets a condition, the folder itself included. */
  static List<Path> list(Path folder, int depth, Predicate<Path> condition) {
    List<Path> found = new ArrayList<>();
    visit(
        folder,
        depth,
        (path, attributes) -> {
          if (condition.test(path)) {
            found.add(path);
          }
        });
    return found;
  }

  /** Shows everything that is there, the folder itself included; links are not followed. */
  static void visit(Path folder, int depth, BiConsumer<Path, BasicFileAttributes> visitor) {
    try {
      Files.walkFileTree(
          folder,
          EnumSet.noneOf(FileVisitOption.class),
          depth,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
              return visitFile(path, attributes);
            }

            @Override
            public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
              visitor.accept(path, attributes);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
              return unlessGone(e);
            }

            @Override
            public FileVisitResult postVisitDirectory(Path path, @Nullable IOException e)
                throws IOException {
              return e == null ? FileVisitResult.CONTINUE : unlessGone(e);
            }

            private FileVisitResult unlessGone(IOException e) throws IOException {
              if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be listed (" + e + ")", e);
    }
  }
}
