package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The files of a registry: {@code blobs/sha256/ab/<digest>} holds each content once, {@code
 * models/<kind>/<name>/<number>/} shows it under its names by hard links, {@code staging/} is where
 * both are prepared. The place of a version is its path below the registry's folder. Thread-safe.
 */
public final class BlobFolder {
  private static final Pattern PLACE =
      Pattern.compile(
          "(models/(base|fine-tuned|specialized)|versions)/[a-z0-9][a-z0-9._-]{0,99}/[1-9][0-9]{0,8}");

  private final Path root;
  private final Path blobs;
  private final Path staging;

  /**
   * Makes the folders.
   *
   * @throws StorageException if that is not possible
   */
  public BlobFolder(Path root) {
    this.root = root;
    this.blobs = root.resolve("blobs").resolve("sha256");
    this.staging = root.resolve("staging");
    try {
      for (Path folder : List.of(blobs, root.resolve("models"), staging)) {
        Files.createDirectories(folder);
      }
    } catch (IOException e) {
      throw new StorageException(
          root.toString(),
          "cannot be made a registry folder ("
              + e
              + "). Name a folder, or a place for a new one, that is writable",
          e);
    }
  }

  /** Where the files of a version lie. */
  public Path folder(String place) {
    return root.resolve(place);
  }

  /** Where a content lies, if it is here. */
  public Path blob(Digest digest) {
    return shelf(digest).resolve(digest.hex());
  }

  private Path shelf(Digest digest) {
    return blobs.resolve(digest.hex().substring(0, 2));
  }

  /** Begins to prepare files; close it in any case. */
  public StagedFiles stage() {
    return new StagedFiles(this, staging.resolve(UUID.randomUUID().toString()));
  }

  /** Puts a prepared content in its place; an older copy gives way. */
  void accept(Path prepared, Digest digest) throws IOException {
    Path shelf = shelf(digest);
    Files.createDirectories(shelf);
    Files.move(
        prepared,
        blob(digest),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    AtomicFile.forceFolder(shelf);
  }

  /** Puts a prepared folder in its place; what a dead registration left there goes. */
  void accept(Path prepared, String place) throws IOException {
    Path target = folder(place);
    Path model = Objects.requireNonNull(target.getParent());
    Path kind = Objects.requireNonNull(model.getParent());
    AtomicFolder.delete(target);
    Files.createDirectories(model);
    Files.move(prepared, target, StandardCopyOption.ATOMIC_MOVE);
    AtomicFile.forceFolder(model);
    AtomicFile.forceFolder(kind);
    AtomicFile.forceFolder(root.resolve("models"));
  }

  /** The contents that are here. */
  public List<Digest> contents() {
    return list(blobs, 2, Files::isRegularFile).stream()
        .map(file -> file.getFileName().toString())
        .filter(name -> name.matches("[0-9a-f]{64}"))
        .map(Digest::new)
        .toList();
  }

  /** The places of the version folders that are here. */
  public List<String> places() {
    List<String> found = new ArrayList<>();
    for (String top : List.of("models", "versions")) {
      if (Files.isDirectory(root.resolve(top))) {
        list(root.resolve(top), 3, path -> true).stream()
            .map(folder -> root.relativize(folder).toString().replace('\\', '/'))
            .filter(PLACE.asMatchPredicate())
            .forEach(found::add);
      }
    }
    return found;
  }

  /** Removes a content; its bytes go when no version folder shows them. */
  public void remove(Digest digest) {
    delete(blob(digest));
  }

  /** Removes a version's folder. */
  public void remove(String place) {
    delete(folder(place));
  }

  /**
   * Removes what registrations that died left behind.
   *
   * @param before those in which nothing has been written since
   * @return how many
   */
  public int removeStale(Instant before) {
    int removed = 0;
    for (Path folder : list(staging, 1, path -> !path.equals(staging))) {
      if (lastWritten(folder).isBefore(before)) {
        delete(folder);
        removed++;
      }
    }
    return removed;
  }

  private static Instant lastWritten(Path folder) {
    return list(folder, Integer.MAX_VALUE, path -> true).stream()
        .map(BlobFolder::modified)
        .max(Comparator.naturalOrder())
        .orElse(Instant.MAX);
  }

  private static Instant modified(Path path) {
    try {
      return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
    } catch (IOException e) {
      return Instant.MAX;
    }
  }

  private static void delete(Path path) {
    try {
      AtomicFolder.delete(path);
    } catch (IOException e) {
      throw new StorageException(path.toString(), "cannot be deleted (" + e + ")", e);
    }
  }

  /** What is there; other processes may remove it meanwhile. */
  private static List<Path> list(Path folder, int depth, Predicate<Path> condition) {
    List<Path> found = new ArrayList<>();
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
              if (condition.test(path)) {
                found.add(path);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
              if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be listed (" + e + ")", e);
    }
    return found;
  }
}
