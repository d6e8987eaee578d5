package io.athanor.store.encrypted;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;

/**
 * Files that only their owner may read. Where the file system has no such permissions (Windows),
 * those of the folder must do.
 */
final class SecretFile {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private SecretFile() {}

  /** Creates a file. */
  static void create(Path file, byte[] content) {
    try {
      write(file, content);
      AtomicFile.forceFolder(folder(file));
    } catch (FileAlreadyExistsException e) {
      throw new ConflictException(
          file + ": expected no such file, and there is one; open it, or choose another name",
          false);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** Replaces a file; it has the old content or the new. */
  static void replace(Path file, byte[] content) {
    Path temporary = folder(file).resolve("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      try {
        write(temporary, content);
        Files.move(
            temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
      AtomicFile.forceFolder(folder(file));
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    FileAttribute<?>[] attributes =
        hasPermissions(file)
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER_ONLY)}
            : new FileAttribute<?>[] {};
    boolean whole = false;
    try (SeekableByteChannel channel =
        Files.newByteChannel(
            file,
            EnumSet.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SYNC),
            attributes)) {
      try {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        whole = true;
      } finally {
        if (!whole) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /** Reads a file. */
  static byte[] read(Path file) {
    try {
      if (hasPermissions(file) && !OWNER_ONLY.containsAll(Files.getPosixFilePermissions(file))) {
        throw new StorageException(
            file.toString(),
            "others than its owner may read or change it. If its keys are still secret, set its"
                + " permissions to rw-------");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static boolean hasPermissions(Path file) {
    FileSystem system = file.getFileSystem();
    return system.supportedFileAttributeViews().contains("posix");
  }

  private static Path folder(Path file) {
    return Objects.requireNonNull(file.toAbsolutePath().getParent());
  }

  private static StorageException unwritable(Path file, IOException e) {
    return new StorageException(
        file.toString(),
        "cannot be written (" + e + "). Check that the folder is writable and the disk not full",
        e);
  }
}
