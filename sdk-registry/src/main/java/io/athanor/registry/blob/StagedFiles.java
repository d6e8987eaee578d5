package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Manifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The files of one registration while nobody can see them. First fill {@link #folder}, then {@link
 * #seal}, then {@link #publish}. Not thread-safe.
 */
public final class StagedFiles implements AutoCloseable {
  private final BlobFolder target;
  private final Path root;
  private final Map<Digest, Content> contents = new LinkedHashMap<>();

  /**
   * A content that the registry must have when the version becomes visible.
   *
   * @param file holds it
   * @param replace whether the copy that the registry has is damaged
   */
  private record Content(Path file, boolean replace) {}

  StagedFiles(BlobFolder target, Path root) {
    this.target = target;
    this.root = root;
    attempt(() -> Files.createDirectories(prepared()));
  }

  /** Fill this with the version's files; absent at first. */
  public Path folder() {
    return root.resolve("files");
  }

  /** Where contents wait that are not, or not yet, files of the version. */
  Path prepared() {
    return root.resolve("blobs");
  }

  /**
   * Copies a folder's files.
   *
   * @throws FormatException if it holds a link or another thing that is neither file nor folder
   * @throws StorageException if it cannot be read, or the copy not written
   */
  public void copy(Path source) {
    if (!Files.isDirectory(source)) {
      throw new FormatException(source.toString(), "not a folder; expected one with model files");
    }
    for (Path path : walk(source)) {
      Path copy = folder().resolve(source.relativize(path).toString());
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        attempt(() -> Files.createDirectories(copy));
      } else if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        attempt(() -> Files.copy(path, copy));
      } else {
        throw new FormatException(
            path.toString(), "neither file nor folder; put the file itself in its place");
      }
    }
  }

  /** Adds a content that is not one of the version's files. */
  public Digest add(byte[] content) {
    Digest digest = Digest.of(content);
    if (!contents.containsKey(digest)) {
      Path file = root.resolve("added-" + digest.hex());
      attempt(
          () -> {
            Files.write(file, content);
            contents.put(digest, prepare(file, digest));
          });
    }
    return digest;
  }

  /**
   * Ends the filling: forces what is new to disk, makes the files read-only, sends them to the
   * store if there is one, and gives their digests.
   *
   * @throws FormatException if there is no file, or one whose name holds control characters
   */
  public Manifest seal() {
    List<Manifest.Entry> files = new ArrayList<>();
    List<Path> folders = new ArrayList<>();
    for (Path path : walk(folder())) {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        folders.add(path);
      } else {
        files.add(seal(path));
      }
    }
    if (files.isEmpty()) {
      throw new FormatException("the model's folder", "empty; expected at least one file");
    }
    folders.forEach(AtomicFile::forceFolder);
    return new Manifest(files);
  }

  private Manifest.Entry seal(Path file) {
    String name = requirePlain(folder().relativize(file));
    Digest[] digest = new Digest[1];
    long[] bytes = new long[1];
    attempt(
        () -> {
          digest[0] = Digest.ofFile(file);
          bytes[0] = Files.size(file);
          Content known = contents.get(digest[0]);
          if (known == null) {
            contents.put(digest[0], prepare(file, digest[0]));
          } else {
            replace(file, known.file());
          }
        });
    return new Manifest.Entry(name, bytes[0], digest[0]);
  }

  /** Where the registry has the content, the file becomes another name of it. */
  private Content prepare(Path file, Digest digest) throws IOException {
    boolean damaged = isDamaged(digest);
    if (damaged || !shares(file, digest)) {
      force(file);
      file.toFile().setReadOnly();
    }
    Path content = prepared().resolve(digest.hex());
    linkOrCopy(file, content);
    target.keep(digest, content);
    return new Content(content, damaged);
  }

  /** Makes the file another name of what the registry has, if it is not collected meanwhile. */
  private boolean shares(Path file, Digest digest) throws IOException {
    try {
      replace(file, target.blob(digest));
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void replace(Path file, Path content) throws IOException {
    Path link = root.resolve("link");
    linkOrCopy(content, link);
    Files.move(link, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Gives a read-only file another name; a copy of its own where there are no hard links. */
  static void linkOrCopy(Path existing, Path name) throws IOException {
    try {
      Files.createLink(name, existing);
    } catch (UnsupportedOperationException | IOException e) {
      Files.copy(existing, name, StandardCopyOption.REPLACE_EXISTING);
      force(name);
      name.toFile().setReadOnly();
    }
  }

  /**
   * Moves everything to its final place, where it stays unseen until the database says so. To be
   * called inside the writing transaction that makes the version visible: renames, and where there
   * is a store, the question whether it still has the contents. One that was collected as garbage
   * since it was stored is stored again.
   */
  public void publish(String place) {
    publish();
    attempt(() -> target.accept(folder(), place));
  }

  /** Moves contents that belong to no version's folder to their final places, likewise. */
  public void publish() {
    attempt(
        () -> {
          for (Map.Entry<Digest, Content> content : contents.entrySet()) {
            target.keep(content.getKey(), content.getValue().file());
            if (content.getValue().replace() || !isHere(content.getKey())) {
              target.accept(content.getValue().file(), content.getKey());
            }
          }
        });
  }

  @Override
  public void close() {
    try {
      AtomicFolder.delete(root);
    } catch (IOException e) {
      // Garbage collection removes it later.
    }
  }

  private static String requirePlain(Path relative) {
    String name = relative.toString().replace(relative.getFileSystem().getSeparator(), "/");
    if (name.chars().anyMatch(c -> Character.isISOControl(c) || c == '\\')) {
      throw new FormatException(
          name.replaceAll("\\p{Cntrl}", "?"),
          "control characters and backslashes are not allowed in file names; rename the file");
    }
    return name;
  }

  private boolean isHere(Digest digest) {
    return Files.exists(target.blob(digest));
  }

  private boolean isDamaged(Digest digest) {
    try {
      return isHere(digest) && !Digest.ofFile(target.blob(digest)).equals(digest);
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private static List<Path> walk(Path folder) {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.toList();
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }

  /** Forces a file of this registration to disk; copies of read-only files are writable first. */
  private static void force(Path file) throws IOException {
    file.toFile().setWritable(true);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  private void attempt(Step step) {
    try {
      step.run();
    } catch (IOException e) {
      throw new StorageException(
          root.toString(),
          "cannot be written (" + e + "). Check that the folder is writable and the disk not full",
          e);
    }
  }
}
