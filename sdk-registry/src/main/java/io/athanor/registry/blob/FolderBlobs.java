package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * Contents in a folder, as files {@code sha256/ab/<digest>}: on a disk, or on a file system that
 * several machines mount. Thread-safe. A file takes its name when all of it is forced to disk, and
 * is read back before a put returns.
 */
public final class FolderBlobs implements BlobStore {
  private static final int DEPTH = 2;

  private final Path root;
  private final DurableFolders folders;

  /**
   * Makes the folder if it is not there.
   *
   * @throws StorageException if that is not possible
   */
  public FolderBlobs(Path folder) {
    this.root = folder.toAbsolutePath().normalize().resolve("sha256");
    this.folders = new DurableFolders(root);
    try {
      folders.make(root);
    } catch (IOException e) {
      throw new StorageException(
          folder.toString(),
          "cannot be made a folder of contents ("
              + e
              + "). Name a folder, or a place for a new one, that is writable",
          e);
    }
  }

  /** Where a content lies, if it is here. */
  Path path(Digest name) {
    return shelf(name).resolve(name.hex());
  }

  Path shelf(Digest name) {
    return root.resolve(name.hex().substring(0, 2));
  }

  @Override
  public void put(Digest name, Path file) {
    Path own = shelf(name).resolve("." + name.hex() + "." + UUID.randomUUID() + ".tmp");
    try {
      write(file, own);
      accept(own, name);
    } catch (IOException e) {
      throw new StorageException(
          path(name).toString(),
          "cannot be written from "
              + file
              + " ("
              + e
              + "). Check that the folder is writable and the disk not full",
          e);
    } finally {
      delete(own);
    }
  }

  private void write(Path file, Path own) throws IOException {
    folders.make(Objects.requireNonNull(own.getParent()));
    try (FileChannel source = FileChannel.open(file, StandardOpenOption.READ);
        FileChannel target =
            FileChannel.open(own, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      copy(source, target);
      target.force(true);
    }
    if (Files.mismatch(file, own) >= 0) {
      throw new StorageException(
          root.toString(), "the disk does not hold what was written to it. Try another");
    }
  }

  /** Lets a file that is on the disk take its name; an older one gives way. */
  void accept(Path own, Digest name) throws IOException {
    Path shelf = shelf(name);
    folders.make(shelf);
    Files.move(
        own, path(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    AtomicFile.forceFolder(shelf);
  }

  @Override
  public void get(Digest name, Path target) {
    Path file = path(name);
    try (FileChannel source = FileChannel.open(file, StandardOpenOption.READ)) {
      AtomicFile.write(target, channel -> copy(source, channel));
    } catch (NoSuchFileException e) {
      throw new NotFoundException(
          "content " + name + " in " + root,
          List.of(),
          "It was never put there, or has been deleted");
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static void copy(FileChannel source, FileChannel target) throws IOException {
    long size = source.size();
    for (long done = 0; done < size; ) {
      long copied = source.transferTo(done, size - done, target);
      if (copied <= 0) {
        throw new IOException("the source ends after " + done + " of " + size + " bytes");
      }
      done += copied;
    }
  }

  @Override
  public boolean has(Digest name) {
    return Files.isRegularFile(path(name));
  }

  @Override
  public void delete(Digest name) {
    delete(path(name));
  }

  private static void delete(Path file) {
    try {
      AtomicFolder.delete(file);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be deleted (" + e + ")", e);
    }
  }

  @Override
  public List<Stored> list() {
    List<Stored> found = new ArrayList<>();
    FileTree.visit(
        root,
        DEPTH,
        (file, attributes) -> {
          String name = file.getFileName().toString();
          if (attributes.isRegularFile() && name.matches("[0-9a-f]{64}")) {
            found.add(
                new Stored(
                    new Digest(name),
                    attributes.size(),
                    attributes.lastModifiedTime().toInstant()));
          }
        });
    found.sort(Comparator.comparing(stored -> stored.name().hex()));
    return found;
  }

  @Override
  public int removeStale(Instant before) {
    List<Path> stale = new ArrayList<>();
    FileTree.visit(
        root,
        DEPTH,
        (file, attributes) -> {
          if (attributes.isRegularFile()
              && file.getFileName().toString().endsWith(".tmp")
              && attributes.lastModifiedTime().compareTo(FileTime.from(before)) < 0) {
            stale.add(file);
          }
        });
    stale.forEach(FolderBlobs::delete);
    return stale.size();
  }

  /** Does nothing: there is nothing to release. */
  @Override
  public void close() {}

  /** Names the folder. */
  @Override
  public String toString() {
    return String.valueOf(root.getParent());
  }
}
