package io.athanor.data.source;

import io.athanor.api.common.Digest;
import io.athanor.api.data.PictureDecoder;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Pictures in sub-folders that name their class: {@code cats/1.png}, {@code dogs/2.jpg}. A folder,
 * or a {@code .zip} file of one. The columns are {@link #IMAGE} and {@link #LABEL}. Reads PNG,
 * JPEG, BMP and GIF (first frame); transparency is ignored. Classes and files come sorted by name;
 * files whose name begins with a dot, and files outside of the sub-folders, are left out.
 *
 * <p>Immutable and thread-safe.
 */
public final class ImageFolder implements DataSource {
  /** The column of the picture. */
  public static final String IMAGE = "image";

  /** The column of the sub-folder's name. */
  public static final String LABEL = "label";

  private static final int MOST_FILE_BYTES = 64 << 20;

  private final Path folder;
  private final PictureDecoder decoder;
  private @Nullable Listing listing;

  private record Listing(String stamp, List<String> files) {}

  private ImageFolder(Path folder, PictureDecoder decoder) {
    this.folder = folder;
    this.decoder = decoder;
  }

  /**
   * @param folder a folder of folders, or a {@code .zip} file of one
   */
  public static ImageFolder of(Path folder) {
    return new ImageFolder(folder, PictureDecoder.DEFAULT);
  }

  /** Brings every picture to this size by averaging the pixels that fall together. */
  public ImageFolder resize(int width, int height) {
    return new ImageFolder(folder, decoder.resize(width, height));
  }

  /** Reads every picture as one channel; otherwise each has the channels of its file. */
  public ImageFolder grey() {
    return new ImageFolder(folder, decoder.channels(1));
  }

  /** Reads every picture as red, green and blue. */
  public ImageFolder colour() {
    return new ImageFolder(folder, decoder.channels(3));
  }

  /** Most pixels of a picture, checked before it is decoded; 2^24 unless set. */
  public ImageFolder maximumPixels(int pixels) {
    return new ImageFolder(folder, decoder.maximumPixels(pixels));
  }

  @Override
  public String name() {
    return folder.toString();
  }

  @Override
  public RecordReader open() {
    try {
      if (Files.isRegularFile(folder) && folder.toString().endsWith(".zip")) {
        return zip();
      }
      if (!Files.isDirectory(folder)) {
        throw new StorageException(
            name(), "is neither a folder nor a .zip file; expected one folder for each class");
      }
      return new Reader(folder, Optional.empty());
    } catch (IOException e) {
      throw failure(name(), e);
    }
  }

  private RecordReader zip() throws IOException {
    FileSystem zip;
    try {
      zip = FileSystems.newFileSystem(folder);
    } catch (IOException e) {
      throw new FormatException(name(), "is not a readable zip file: " + e.getMessage(), e);
    }
    try {
      return new Reader(zip.getPath("/"), Optional.of(zip));
    } catch (FormatException | StorageException | IOException e) {
      zip.close();
      throw e;
    }
  }

  private static StorageException failure(String what, IOException e) {
    return new StorageException(
        what, "cannot be read (" + e + "). Check that it exists and its permissions", e);
  }

  private synchronized Listing listing(Path root) throws IOException {
    List<Path> classes = children(root).stream().filter(Files::isDirectory).toList();
    String stamp = stamp(Files.isDirectory(folder) ? classes : List.of());
    Listing known = listing;
    if (known == null || !known.stamp().equals(stamp)) {
      known = new Listing(stamp, files(classes));
      listing = known;
    }
    return known;
  }

  /** Times tell of added and removed files; folders within a zip file have none of their own. */
  private String stamp(List<Path> classes) throws IOException {
    StringBuilder stamp = new StringBuilder();
    stamp.append(Files.size(folder)).append(' ').append(Files.getLastModifiedTime(folder));
    for (Path one : classes) {
      stamp.append(' ').append(one.getFileName()).append(Files.getLastModifiedTime(one));
    }
    return stamp.toString();
  }

  private List<String> files(List<Path> classes) throws IOException {
    List<String> files = new ArrayList<>();
    for (Path one : classes) {
      for (Path file : children(one)) {
        files.add(plainName(one) + "/" + plainName(file));
      }
    }
    if (files.isEmpty()) {
      throw new FormatException(
          name(), "has no files in sub-folders; expected one sub-folder for each class");
    }
    return List.copyOf(files);
  }

  private static List<Path> children(Path parent) throws IOException {
    try (Stream<Path> children = Files.list(parent)) {
      return children
          .filter(child -> !plainName(child).startsWith("."))
          .sorted((a, b) -> plainName(a).compareTo(plainName(b)))
          .toList();
    }
  }

  private static String plainName(Path path) {
    Path name = path.getFileName();
    return name == null ? "" : name.toString().replace("/", "");
  }

  private final class Reader implements RecordReader {
    private final Path root;
    private final Optional<FileSystem> opened;
    private final Listing files;
    private final CellDigest digest = new CellDigest();
    private int next;
    private int digested;

    private Reader(Path root, Optional<FileSystem> opened) throws IOException {
      this.root = root;
      this.opened = opened;
      this.files = listing(root);
    }

    @Override
    public List<String> columns() {
      return List.of(IMAGE, LABEL);
    }

    @Override
    public @Nullable SourceRecord next() {
      if (next == files.files().size()) {
        return null;
      }
      int position = next++;
      String file = files.files().get(position);
      String source = name() + "/" + file;
      byte[] bytes = bytes(source, root.resolve(file));
      if (position == digested) {
        digest.text(file).bytes(bytes);
        digested++;
      }
      if (bytes.length > MOST_FILE_BYTES) {
        return malformed(source, position, "the file is larger than " + MOST_FILE_BYTES + " bytes");
      }
      try {
        String label = file.substring(0, file.indexOf('/'));
        return SourceRecord.of(
            source, 0, position, file, Map.of(IMAGE, decoder.decode(bytes), LABEL, label));
      } catch (IOException e) {
        return malformed(source, position, String.valueOf(e.getMessage()));
      }
    }

    private static SourceRecord malformed(String source, int position, String problem) {
      return SourceRecord.malformed(source, 0, position, source, IMAGE, problem);
    }

    private static byte[] bytes(String source, Path file) {
      if (Files.isDirectory(file)) {
        return new byte[0];
      }
      try (InputStream in = Files.newInputStream(file)) {
        return in.readNBytes(MOST_FILE_BYTES + 1);
      } catch (IOException e) {
        throw failure(source, e);
      }
    }

    @Override
    public void seek(long position) {
      next = Math.toIntExact(position);
    }

    @Override
    public Digest fingerprint() {
      return digest.finish();
    }

    @Override
    public String stamp() {
      return files.stamp();
    }

    @Override
    public void close() {
      if (opened.isPresent()) {
        try {
          opened.get().close();
        } catch (IOException e) {
          throw failure(name(), e);
        }
      }
    }
  }
}
