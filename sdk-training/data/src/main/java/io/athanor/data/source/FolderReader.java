package io.athanor.data.source;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What readers of whole files share: each file of a folder, or of an archive, is one record. */
abstract class FolderReader implements RecordReader {
  /** Where the files are. */
  private final Place place;

  /** Their paths within it, with slashes. */
  private final List<String> files;

  private final int mostBytes;
  private final CellDigest digest = new CellDigest();
  private int next;
  private int digested;

  FolderReader(Place place, List<String> files, int mostBytes) {
    this.place = place;
    this.files = files;
    this.mostBytes = mostBytes;
  }

  /**
   * An open folder or archive.
   *
   * @param name for errors
   */
  record Place(String name, Path root, Closeable opened) {}

  /** Lists the files, and begins to read them. */
  interface Start {
    FolderReader reader(Place place) throws IOException;
  }

  /**
   * Opens a folder, or a {@code .zip} or {@code .jar} file.
   *
   * @param content what there should be, for errors
   */
  static RecordReader open(Path folder, String content, Start start) {
    String name = folder.toString();
    try {
      if (Files.isDirectory(folder)) {
        return start.reader(new Place(name, folder, () -> {}));
      }
      if (Files.isRegularFile(folder) && (name.endsWith(".zip") || name.endsWith(".jar"))) {
        return ofArchive(folder, start);
      }
      throw new StorageException(
          name, "is neither a folder nor a .zip or .jar file; expected one with " + content);
    } catch (UncheckedIOException | IOException e) {
      throw failure(name, e);
    }
  }

  private static RecordReader ofArchive(Path file, Start start) throws IOException {
    FileSystem archive;
    try {
      archive = FileSystems.newFileSystem(file);
    } catch (IOException e) {
      throw new FormatException(
          file.toString(), "is not a readable zip file: " + e.getMessage(), e);
    }
    try {
      return start.reader(new Place(file.toString(), archive.getPath("/"), archive));
    } catch (RuntimeException | IOException e) {
      archive.close();
      throw e;
    }
  }

  private static StorageException failure(String what, Exception e) {
    return new StorageException(
        what, "cannot be read (" + e + "). Check that it exists and its permissions", e);
  }

  /**
   * The record that a file is.
   *
   * @param source names it in errors
   * @param bytes one more than may be read, where the file is too large
   */
  abstract SourceRecord record(String source, int position, String file, byte[] bytes);

  @Override
  public final @Nullable SourceRecord next() {
    if (next == files.size()) {
      return null;
    }
    int position = next++;
    String file = files.get(position);
    String source = place.name() + "/" + file;
    byte[] bytes = bytes(source, place.root().resolve(file));
    if (position == digested) {
      digest.text(file).bytes(bytes);
      digested++;
    }
    return record(source, position, file, bytes);
  }

  /** What a file holds; a folder holds nothing. */
  private byte[] bytes(String source, Path file) {
    if (Files.isDirectory(file)) {
      return new byte[0];
    }
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes((int) Math.min(mostBytes + 1L, Integer.MAX_VALUE));
    } catch (IOException e) {
      throw failure(source, e);
    }
  }

  @Override
  public final void seek(long position) {
    next = Math.toIntExact(position);
  }

  @Override
  public final Digest fingerprint() {
    return digest.finish();
  }

  @Override
  public final void close() {
    try {
      place.opened().close();
    } catch (IOException e) {
      throw failure(place.name(), e);
    }
  }
}
