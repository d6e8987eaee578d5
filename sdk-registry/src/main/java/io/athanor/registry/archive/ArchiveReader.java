package io.athanor.registry.archive;

import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/**
 * Reads a tar file that anybody may have made: plain files only, with expected names, each once,
 * none larger than the archive itself. Contents are read on request, in any order. Not thread-safe.
 */
final class ArchiveReader implements AutoCloseable {
  /** Far more than the names that are allowed need. */
  private static final int MOST_HEADER_BYTES = 1 << 14;

  private static final int RECORD = 512;
  private static final int BUFFER = 1 << 16;

  private final String source;
  private final FileChannel channel;
  private final long length;
  private final Map<String, Extent> entries = new LinkedHashMap<>();

  /** Where in the archive a content lies. */
  private record Extent(long offset, long bytes) {}

  private ArchiveReader(String source, FileChannel channel) throws IOException {
    this.source = source;
    this.channel = channel;
    this.length = channel.size();
  }

  /**
   * Opens an archive and reads the names of its entries.
   *
   * @param names the names that are allowed
   * @param limit the most entries that are allowed
   * @throws FormatException if it is no such archive
   * @throws StorageException if it cannot be read
   */
  static ArchiveReader open(Path file, Pattern names, int limit) {
    if (!Files.isRegularFile(file)) {
      throw new FormatException(
          file.toString(), "not a file; expected an archive that a registry has written");
    }
    FileChannel channel = null;
    boolean opened = false;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
      ArchiveReader reader = new ArchiveReader(file.toString(), channel);
      reader.list(names, limit);
      opened = true;
      return reader;
    } catch (IOException e) {
      throw unreadable(file.toString(), e);
    } finally {
      if (!opened && channel != null) {
        closeQuietly(channel);
      }
    }
  }

  private void list(Pattern names, int limit) {
    long next = 0;
    while (true) {
      if (next >= length) {
        throw fail("ends without the end mark of a tar file; it is cut off, copy it again");
      }
      if (isEndMark(next)) {
        return;
      }
      Header header = new Header(next);
      TarArchiveEntry entry = entry(header);
      requirePlain(entry, names);
      if (entry.getSize() > length - header.position) {
        throw fail(
            "entry '"
                + entry.getName()
                + "' should have "
                + entry.getSize()
                + " bytes, "
                + (length - header.position)
                + " are left; the file is cut off or lies");
      }
      if (entry.isFile()) {
        Extent extent = new Extent(header.position, entry.getSize());
        if (entries.put(entry.getName(), extent) != null) {
          throw fail("there are two entries '" + entry.getName() + "'");
        }
        if (entries.size() > limit) {
          throw fail("more than " + limit + " entries");
        }
      }
      next = header.position + (entry.getSize() + RECORD - 1) / RECORD * RECORD;
    }
  }

  private boolean isEndMark(long position) {
    byte[] record = new byte[RECORD];
    Header header = new Header(position);
    int filled = 0;
    while (filled < RECORD) {
      int n = header.read(record, filled, RECORD - filled);
      if (n < 0) {
        throw fail("cut off at byte " + position);
      }
      filled += n;
    }
    return Arrays.equals(record, new byte[RECORD]);
  }

  /** The library throws whatever comes to it when headers are no headers. */
  private TarArchiveEntry entry(Header header) {
    long begin = header.position;
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(header, StandardCharsets.UTF_8.name())) {
      TarArchiveEntry entry = tar.getNextEntry();
      if (entry == null) {
        throw fail("cut off, or with headers of unusual length, at byte " + begin);
      }
      return entry;
    } catch (AthanorException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new FormatException(
          source, "not a tar file, or damaged at byte " + begin + " (" + e.getMessage() + ")", e);
    }
  }

  private void requirePlain(TarArchiveEntry entry, Pattern names) {
    String name = printable(entry.getName());
    boolean folder = entry.getLinkFlag() == TarConstants.LF_DIR && entry.getSize() == 0;
    boolean plain =
        entry.getLinkFlag() == TarConstants.LF_NORMAL
            || entry.getLinkFlag() == TarConstants.LF_OLDNORM;
    if (!folder && (!plain || !entry.isFile() || entry.isSparse())) {
      throw fail(
          "entry '"
              + name
              + "' is neither a plain file nor a folder (type '"
              + (char) Byte.toUnsignedInt(entry.getLinkFlag())
              + "'); links, devices and files with holes are refused");
    }
    if (!names.matcher(entry.getName()).matches() || folder == entry.isFile()) {
      throw fail("entry '" + name + "' has no place in such an archive");
    }
    if (entry.getSize() < 0) {
      throw fail("entry '" + name + "' has a negative size");
    }
  }

  /** Reads one entry's headers, few bytes whatever they say. */
  private final class Header extends InputStream {
    private final long end;
    private long position;

    Header(long position) {
      this.position = position;
      this.end = Math.min(length, position + MOST_HEADER_BYTES);
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] target, int from, int count) {
      int most = (int) Math.min(count, end - position);
      if (most <= 0) {
        return count == 0 ? 0 : -1;
      }
      try {
        int n = channel.read(ByteBuffer.wrap(target, from, most), position);
        position += Math.max(n, 0);
        return n;
      } catch (IOException e) {
        throw unreadable(source, e);
      }
    }
  }

  Set<String> names() {
    return entries.keySet();
  }

  boolean has(String name) {
    return entries.containsKey(name);
  }

  /** The size of an entry that is there. */
  long size(String name) {
    return extent(name).bytes();
  }

  /**
   * A content for the memory.
   *
   * @throws FormatException if it is not there, or has more bytes than allowed
   */
  byte[] bytes(String name, int limit) {
    Extent extent = extent(name);
    if (extent.bytes() > limit) {
      throw fail("'" + name + "' may have at most " + limit + " bytes, got " + extent.bytes());
    }
    ByteBuffer content = ByteBuffer.allocate((int) extent.bytes());
    try {
      while (content.hasRemaining()) {
        if (channel.read(content, extent.offset() + content.position()) < 0) {
          throw fail("'" + name + "' is cut off");
        }
      }
    } catch (IOException e) {
      throw unreadable(source, e);
    }
    return content.array();
  }

  /** A text in UTF-8; see {@link #bytes}. */
  String text(String name, int limit) {
    return new String(bytes(name, limit), StandardCharsets.UTF_8);
  }

  /**
   * Writes a content to a new file.
   *
   * @throws FormatException if its digest is another one
   * @throws StorageException if the file cannot be written
   */
  void extract(String name, Digest expected, Path target, Pace pace) {
    Extent extent = extent(name);
    MessageDigest digest = Digest.sha256();
    try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.CREATE_NEW)) {
      byte[] buffer = new byte[BUFFER];
      long done = 0;
      while (done < extent.bytes()) {
        int most = (int) Math.min(buffer.length, extent.bytes() - done);
        int n = channel.read(ByteBuffer.wrap(buffer, 0, most), extent.offset() + done);
        if (n < 0) {
          throw fail("'" + name + "' is cut off");
        }
        digest.update(buffer, 0, n);
        out.write(buffer, 0, n);
        done += n;
        pace.add(n);
      }
    } catch (IOException e) {
      throw new StorageException(
          target.toString(),
          "cannot be written (" + e + "). Check that the folder is writable and the disk not full",
          e);
    }
    requireDigest(name, expected, Digest.finish(digest));
  }

  /**
   * A content for the memory, if it is what its digest says.
   *
   * @throws FormatException if it is not
   */
  byte[] bytes(String name, Digest expected, int limit) {
    byte[] content = bytes(name, limit);
    requireDigest(name, expected, Digest.of(content));
    return content;
  }

  private void requireDigest(String name, Digest expected, Digest actual) {
    if (!actual.equals(expected)) {
      throw fail(
          "'" + name + "' is damaged or changed: expected digest " + expected + ", got " + actual);
    }
  }

  private Extent extent(String name) {
    Extent extent = entries.get(name);
    if (extent == null) {
      throw fail("'" + printable(name) + "' is missing");
    }
    return extent;
  }

  /** The size of the archive in bytes. */
  long length() {
    return length;
  }

  String source() {
    return source;
  }

  FormatException fail(String problem) {
    return new FormatException(source, problem);
  }

  static String printable(String text) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    return plain.length() > 200 ? plain.substring(0, 200) + ".." : plain;
  }

  private static StorageException unreadable(String source, IOException e) {
    return new StorageException(source, "cannot be read (" + e + ")", e);
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was written; the first failure is the one to report.
    }
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }
}
