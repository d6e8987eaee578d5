package io.athanor.deploy.monitor;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What people said of answers, in a folder: one JSON object in each line of {@code feedback.jsonl}.
 * A line that was acknowledged is there after the process is killed, and by {@link
 * Durability#EVERY_ENTRY} after the power is lost. One that was cut off in writing is dropped when
 * the log is opened. One process at a time. Thread-safe.
 */
public final class FeedbackLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FeedbackLog.class);
  private static final String NAME = "feedback.jsonl";
  private static final int LARGEST_ENTRY = 16 << 20;

  /** What an acknowledged entry survives. */
  public enum Durability {
    /** The end of the process and of the power: the disk confirms each entry. */
    EVERY_ENTRY,
    /** The end of the process; the system writes to the disk when it likes. */
    SYSTEM
  }

  private final Path file;
  private final Durability durability;
  private final FileChannel lockFile;
  private FileChannel channel;
  private long end;
  private boolean closed;

  private FeedbackLog(Path file, Durability durability, FileChannel lockFile) throws IOException {
    this.file = file;
    this.durability = durability;
    this.lockFile = lockFile;
    deleteLeftovers();
    this.channel = opened();
    try {
      this.end = endOfLastLine();
      restoreEnd();
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Opens a log whose every entry is confirmed by the disk. */
  public static FeedbackLog open(Path folder) {
    return open(folder, Durability.EVERY_ENTRY);
  }

  /**
   * Opens a log, or begins one. The caller closes it.
   *
   * @throws ConflictException if another process or another part of this one has it open
   * @throws StorageException if the folder cannot be written
   */
  public static FeedbackLog open(Path folder, Durability durability) {
    FileChannel lockFile = null;
    try {
      Files.createDirectories(folder);
      lockFile =
          FileChannel.open(
              folder.resolve("feedback.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      requireLock(lockFile, folder);
      return new FeedbackLog(folder.resolve(NAME), durability, lockFile);
    } catch (IOException e) {
      close(lockFile);
      throw unwritable(folder, e);
    } catch (RuntimeException e) {
      close(lockFile);
      throw e;
    }
  }

  private static void requireLock(FileChannel lockFile, Path folder) throws IOException {
    FileLock lock = null;
    try {
      lock = lockFile.tryLock();
    } catch (OverlappingFileLockException e) {
      LOG.debug("Opened twice in this process: {}", folder);
    }
    if (lock == null) {
      throw new ConflictException(
          "The feedback in "
              + folder
              + " is open already; expected one writer. Share that one, or use another folder",
          true);
    }
  }

  private FileChannel opened() throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** What an erasure that was killed left behind would outlive the next erasure. */
  private void deleteLeftovers() throws IOException {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(file.toAbsolutePath().getParent(), "." + NAME + ".*.tmp")) {
      for (Path leftover : files) {
        Files.delete(leftover);
      }
    }
  }

  private long endOfLastLine() throws IOException {
    long at = channel.size();
    ByteBuffer block = ByteBuffer.allocate(8_192);
    while (at > 0) {
      long from = Math.max(0, at - block.capacity());
      block.clear().limit((int) (at - from));
      while (block.hasRemaining() && channel.read(block, from + block.position()) >= 0) {}
      for (int i = block.position() - 1; i >= 0; i--) {
        if (block.get(i) == '\n') {
          return from + i + 1;
        }
      }
      at = from;
    }
    return 0;
  }

  private void restoreEnd() throws IOException {
    if (channel.size() != end) {
      LOG.warn("Dropping {} bytes of an entry cut off in {}", channel.size() - end, file);
      channel.truncate(end);
    }
  }

  /** The file, which any reader of JSON Lines can read. */
  public Path file() {
    return file;
  }

  /**
   * Adds an entry.
   *
   * @throws StorageException if it cannot be written; then it is not there
   * @throws ValidationException if it is larger than 16 MiB
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized void append(FeedbackEntry entry) {
    requireOpen();
    byte[] line = (FeedbackJson.write(entry) + "\n").getBytes(StandardCharsets.UTF_8);
    if (line.length > LARGEST_ENTRY) {
      throw new ValidationException(
          "feedback",
          List.of(
              "it takes " + line.length + " bytes, and at most " + LARGEST_ENTRY + " are kept"));
    }
    try {
      if (!channel.isOpen()) {
        channel = opened(); // an interrupt closes the channel of the thread that is writing
      }
      restoreEnd();
      ByteBuffer bytes = ByteBuffer.wrap(line);
      while (bytes.hasRemaining()) {
        channel.write(bytes, end + bytes.position());
      }
      if (durability == Durability.EVERY_ENTRY) {
        channel.force(false);
      }
      end += line.length;
    } catch (IOException e) {
      takeBack();
      throw unwritable(file, e);
    }
  }

  private void takeBack() {
    try {
      if (channel.isOpen()) {
        restoreEnd();
      }
    } catch (IOException e) {
      LOG.warn(
          "{} ends with a part of an entry, to be dropped with the next one: {}", file, e + "");
    }
  }

  /**
   * Every entry, in the order they came.
   *
   * @throws FormatException if a line was damaged; names it
   * @throws StorageException if it cannot be read
   */
  public synchronized void forEach(Consumer<FeedbackEntry> consumer) {
    requireOpen();
    lines((number, line) -> consumer.accept(FeedbackJson.read(at(number), line)));
  }

  /** Uses a line of the file. */
  private interface Lines {
    void line(long number, String line) throws IOException;
  }

  private void lines(Lines lines) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      long number = 1;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.line(number++, line);
      }
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private String at(long number) {
    return file + ", line " + number;
  }

  /**
   * Removes everything of a subject from the file: the others' entries are written to a new one,
   * which replaces it. Copies made elsewhere, such as backups or data sets, are not touched.
   *
   * @return how many entries went
   * @throws FormatException if a line was damaged; then nothing was removed
   * @throws StorageException if the file cannot be rewritten; then nothing was removed
   */
  public synchronized long erase(String subject) {
    requireOpen();
    long[] counts = new long[2];
    AtomicFile.write(
        file,
        AtomicFile.streaming(
            out ->
                lines(
                    (number, line) -> {
                      if (FeedbackJson.subject(at(number), line).equals(subject)) {
                        counts[0]++;
                      } else {
                        byte[] kept = (line + "\n").getBytes(StandardCharsets.UTF_8);
                        out.write(kept);
                        counts[1] += kept.length;
                      }
                    })));
    try {
      channel.close();
      channel = opened();
    } catch (IOException e) {
      throw unwritable(file, e);
    }
    end = counts[1];
    return counts[0];
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The feedback in " + file + " is closed");
    }
  }

  private static StorageException unwritable(Path path, IOException e) {
    return new StorageException(
        path.toString(),
        "cannot be written (" + e + "). Check that the folder is writable and the disk not full",
        e);
  }

  /** Lets others have it; twice is fine. */
  @Override
  public synchronized void close() {
    closed = true;
    close(channel);
    close(lockFile);
  }

  private static void close(@Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        LOG.debug("Closing failed", e);
      }
    }
  }
}
