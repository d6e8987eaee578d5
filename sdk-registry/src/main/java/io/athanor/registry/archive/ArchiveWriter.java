package io.athanor.registry.archive;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * Writes a tar file that tells nothing of where and when it was written, so that the same content
 * gives the same bytes. Not thread-safe.
 */
final class ArchiveWriter {
  private static final int MODE = 0100644;
  private static final int BUFFER = 1 << 16;

  private final TarArchiveOutputStream tar;
  private final Pace pace;

  private ArchiveWriter(OutputStream out, Pace pace) {
    this.tar = new TarArchiveOutputStream(out, StandardCharsets.UTF_8.name());
    this.pace = pace;
    tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
    tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_ERROR);
  }

  /** Fills an archive. */
  @FunctionalInterface
  interface Content {
    void writeTo(ArchiveWriter archive) throws IOException;
  }

  /**
   * Creates or replaces an archive.
   *
   * @throws io.athanor.api.error.StorageException if it cannot be written; what was there before is
   *     untouched
   */
  static void write(Path file, Pace pace, Content content) {
    AtomicFile.write(
        file,
        AtomicFile.streaming(
            out -> {
              OutputStream buffered = new BufferedOutputStream(out, BUFFER);
              ArchiveWriter archive = new ArchiveWriter(buffered, pace);
              content.writeTo(archive);
              archive.tar.finish();
              buffered.flush();
            }));
  }

  /** Adds an entry. */
  void add(String name, byte[] content) throws IOException {
    begin(name, content.length);
    tar.write(content);
    tar.closeArchiveEntry();
    pace.add(content.length);
  }

  /**
   * Adds an entry with the content of a file, if that is what it should be.
   *
   * @throws FormatException if it is not
   * @throws java.nio.file.NoSuchFileException if there is no such file; nothing has been added
   */
  void add(String name, Path file, Digest expected) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      begin(name, Files.size(file));
      MessageDigest digest = Digest.sha256();
      byte[] buffer = new byte[BUFFER];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
        tar.write(buffer, 0, n);
        pace.add(n);
      }
      Digest actual = Digest.finish(digest);
      if (!actual.equals(expected)) {
        throw new FormatException(
            file.toString(),
            "damaged or changed: expected digest "
                + expected
                + ", got "
                + actual
                + ". Restore it from a copy, or delete the version");
      }
      tar.closeArchiveEntry();
    }
  }

  private void begin(String name, long bytes) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(name);
    entry.setSize(bytes);
    entry.setModTime(0);
    entry.setIds(0, 0);
    entry.setNames("", "");
    entry.setMode(MODE);
    tar.putArchiveEntry(entry);
  }
}
