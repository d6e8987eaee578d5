package io.athanor.data.source;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;

/**
 * Files of text, one record each, in a folder and those below it, or in a {@code .zip} or {@code
 * .jar} file. The columns are {@link #TEXT} and {@link #PATH}. Files come sorted by path; those
 * whose name, or whose folder's name, begins with a dot are left out, and links are not followed.
 * Text is UTF-8; other bytes make a file malformed, and so does a size above the limit.
 *
 * <p>Immutable and thread-safe.
 */
public final class TextFiles implements DataSource {
  /** The column of the whole text. */
  public static final String TEXT = "text";

  /** The column of the path within the folder, with slashes. */
  public static final String PATH = "path";

  private static final int MAXIMUM_FILE_BYTES = 4 << 20;

  private final Path folder;
  private final String pattern;
  private final Optional<String> without;
  private final int maximumFileBytes;

  private record File(String path, long size, String time) {}

  private TextFiles(Path folder, String pattern, Optional<String> without, int maximumFileBytes) {
    this.folder = folder;
    this.pattern = pattern;
    this.without = without;
    this.maximumFileBytes = maximumFileBytes;
  }

  /**
   * The files of a folder or archive.
   *
   * @param pattern of the paths within it, such as {@code "**.java"}, as in {@link
   *     FileSystem#getPathMatcher}
   */
  public static TextFiles of(Path folder, String pattern) {
    return new TextFiles(folder, requireGlob(pattern), Optional.empty(), MAXIMUM_FILE_BYTES);
  }

  /** Leaves out the paths that this pattern matches. */
  public TextFiles without(String excluded) {
    return new TextFiles(folder, pattern, Optional.of(requireGlob(excluded)), maximumFileBytes);
  }

  /** Most bytes of a file; 4 MiB unless set. A larger one is malformed. */
  public TextFiles maximumFileBytes(int bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new TextFiles(folder, pattern, without, bytes);
  }

  private static String requireGlob(String pattern) {
    try {
      matcher(FileSystems.getDefault(), pattern);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "pattern must be a glob such as **.java, got '" + pattern + "': " + e.getDescription(),
          e);
    }
    return pattern;
  }

  private static PathMatcher matcher(FileSystem files, String pattern) {
    return files.getPathMatcher("glob:" + pattern);
  }

  @Override
  public String name() {
    return folder.toString();
  }

  @Override
  public RecordReader open() {
    return FolderReader.open(folder, "text files", place -> new Reader(place, files(place.root())));
  }

  private List<File> files(Path root) throws IOException {
    PathMatcher wanted = matcher(root.getFileSystem(), pattern);
    Optional<PathMatcher> unwanted = without.map(p -> matcher(root.getFileSystem(), p));
    List<File> found = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes facts) {
            return !directory.equals(root) && hidden(directory)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes facts) {
            Path path = root.relativize(file);
            if (facts.isRegularFile()
                && !hidden(file)
                && wanted.matches(path)
                && unwanted.filter(matcher -> matcher.matches(path)).isEmpty()) {
              String name = path.toString().replace(path.getFileSystem().getSeparator(), "/");
              found.add(new File(name, facts.size(), facts.lastModifiedTime().toString()));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    if (found.isEmpty()) {
      throw new FormatException(
          name(), "has no file whose path matches '" + pattern + "'. Correct the pattern");
    }
    found.sort((a, b) -> a.path().compareTo(b.path()));
    return List.copyOf(found);
  }

  private static boolean hidden(Path path) {
    Path name = path.getFileName();
    return name != null && name.toString().startsWith(".");
  }

  private final class Reader extends FolderReader {
    private final String stamp;

    private Reader(Place place, List<File> files) {
      super(place, files.stream().map(File::path).toList(), maximumFileBytes);
      this.stamp = Digest.ofText(files.toString()).hex();
    }

    @Override
    public List<String> columns() {
      return List.of(TEXT, PATH);
    }

    @Override
    SourceRecord record(String source, int position, String path, byte[] bytes) {
      if (bytes.length > maximumFileBytes) {
        return malformed(
            source,
            position,
            "the file is larger than "
                + maximumFileBytes
                + " bytes. Raise maximumFileBytes, or leave it out with without(...)");
      }
      try {
        String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        Map<String, Object> cells =
            text.isEmpty() ? Map.of(PATH, path) : Map.of(TEXT, text, PATH, path);
        return SourceRecord.of(source, 0, position, path, cells);
      } catch (CharacterCodingException e) {
        return malformed(
            source,
            position,
            "the bytes are not UTF-8 ("
                + e.getMessage()
                + "). Convert the file, or leave it out with without(...)");
      }
    }

    private static SourceRecord malformed(String source, int position, String problem) {
      return SourceRecord.malformed(source, 0, position, source, TEXT, problem);
    }

    @Override
    public String stamp() {
      return stamp;
    }
  }
}
