package io.athanor.api.common;

import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Files that are either whole or absent: content goes to a temporary neighbour, is forced to disk,
 * and takes its name by an atomic rename.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Replaces or creates a file.
   *
   * @throws StorageException if it cannot be written; the old content, if any, is untouched
   */
  public static void write(Path file, Content content) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null) {
      throw new IllegalArgumentException("file must have a parent folder, got '" + file + "'");
    }
    Path temporary = null;
    try {
      Files.createDirectories(folder);
      temporary = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      temporary = null;
      forceFolder(folder);
    } catch (IOException e) {
      throw new StorageException(
          target.toString(),
          "cannot be written (" + e + "). Check that the folder is writable and the disk not full",
          e);
    } finally {
      if (temporary != null) {
        deleteQuietly(temporary);
      }
    }
  }

  /**
   * Replaces or creates a text file in UTF-8.
   *
   * @throws StorageException if it cannot be written
   */
  public static void writeText(Path file, String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    write(
        file,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  /** Adapts a stream-writing function to a file's content. */
  public static Content streaming(StreamContent content) {
    return channel -> {
      OutputStream out = Channels.newOutputStream(channel);
      content.writeTo(out);
      out.flush();
    };
  }

  /** Writes the content of a file as a stream. */
  @FunctionalInterface
  public interface StreamContent {
    void writeTo(OutputStream out) throws IOException;
  }

  /** Forces a folder's entries to disk where the platform can do that. */
  public static void forceFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows cannot open folders; there the rename itself is the best that can be had.
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A leftover temporary file is harmless, and the first failure is the one to report.
    }
  }
}
