package io.athanor.data.source;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a text file by position. A plain file stays on disk; a {@code .gz}, which has no
 * random access, is unpacked into memory once, up to a limit. Thread-safe.
 */
final class TextContent {
  private final Path file;
  private final long memoryLimit;
  private @Nullable Memory unpacked;

  /** Reads bytes by position. */
  interface Access extends AutoCloseable {
    /** Fills a part of the buffer; -1 at the end. */
    int read(long position, byte[] buffer) throws IOException;

    @Override
    void close() throws IOException;
  }

  TextContent(Path file) {
    this(file, Math.min(1L << 30, Runtime.getRuntime().maxMemory() / 4));
  }

  TextContent(Path file, long memoryLimit) {
    this.file = file;
    this.memoryLimit = memoryLimit;
  }

  Path file() {
    return file;
  }

  /** Size and time of the file. */
  String stamp() {
    try {
      return Files.size(file) + " bytes of " + Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  Access open() {
    try {
      if (Files.isDirectory(file)) {
        throw new StorageException(
            file.toString(), "is a folder; expected a file. Give the file's own path");
      }
      if (!onDemand()) {
        return unpacked();
      }
      return new Disk(new RandomAccessFile(file.toFile(), "r"));
    } catch (IOException e) {
      throw failure(e);
    }
  }

  StorageException failure(IOException e) {
    if (e instanceof NoSuchFileException || !Files.exists(file)) {
      return new StorageException(
          file.toString(),
          "there is no such file; the working folder is " + Path.of("").toAbsolutePath(),
          e);
    }
    return new StorageException(
        file.toString(), "cannot be read (" + e + "). Check the file and its permissions", e);
  }

  private boolean onDemand() {
    return file.getFileSystem().equals(FileSystems.getDefault()) && !packed();
  }

  private boolean packed() {
    return file.toString().endsWith(".gz");
  }

  private synchronized Memory unpacked() throws IOException {
    String stamp = stamp();
    Memory known = unpacked;
    if (known == null || !known.stamp.equals(stamp)) {
      known = new Memory(stamp, unpack());
      unpacked = known;
    }
    return known;
  }

  private byte[] unpack() throws IOException {
    try (InputStream raw = Files.newInputStream(file);
        InputStream plain = packed() ? new GZIPInputStream(raw, 1 << 16) : raw) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int n = plain.read(buffer); n >= 0; n = plain.read(buffer)) {
        if (bytes.size() + (long) n > memoryLimit) {
          throw new UnsupportedException(
              file + " holds more than " + memoryLimit + " bytes, which must fit into memory",
              "Unpack it into a plain file, which is read from disk as needed");
        }
        bytes.write(buffer, 0, n);
      }
      return bytes.toByteArray();
    } catch (ZipException | EOFException e) {
      throw new FormatException(
          file.toString(), "is not a whole gzip file (" + e.getMessage() + "). Pack it again", e);
    }
  }

  /** Not a channel: an interrupt of the reading thread must not close the file. */
  private record Disk(RandomAccessFile in) implements Access {
    @Override
    public int read(long position, byte[] buffer) throws IOException {
      in.seek(position);
      return in.read(buffer);
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  private static final class Memory implements Access {
    private final String stamp;
    private final byte[] bytes;

    private Memory(String stamp, byte[] bytes) {
      this.stamp = stamp;
      this.bytes = bytes;
    }

    @Override
    public int read(long position, byte[] buffer) {
      int left = (int) Math.max(0, bytes.length - position);
      int n = Math.min(left, buffer.length);
      System.arraycopy(bytes, bytes.length - left, buffer, 0, n);
      return n == 0 ? -1 : n;
    }

    @Override
    public void close() {
      // the bytes stay for the next reader
    }
  }
}
