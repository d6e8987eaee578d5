package io.athanor.data.source;

import io.athanor.api.data.PictureDecoder;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Pictures in sub-folders that name their class: {@code cats/1.png}, {@code dogs/2.jpg}. A folder,
 * or a {@code .zip} or {@code .jar} file of one. The columns are {@link #IMAGE} and {@link #LABEL}.
 * Reads PNG, JPEG, BMP and GIF (first frame); transparency is ignored. Classes and files come
 * sorted by name; files whose name begins with a dot, and files outside of the sub-folders, are
 * left out.
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
   * @param folder a folder of folders, or an archive of one
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
    return FolderReader.open(
        folder, "a folder for each class", place -> new Reader(place, listing(place.root())));
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

  private final class Reader extends FolderReader {
    private final String stamp;

    private Reader(Place place, Listing files) {
      super(place, files.files(), MOST_FILE_BYTES);
      this.stamp = files.stamp();
    }

    @Override
    public List<String> columns() {
      return List.of(IMAGE, LABEL);
    }

    @Override
    SourceRecord record(String source, int position, String file, byte[] bytes) {
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

    @Override
    public String stamp() {
      return stamp;
    }
  }
}
