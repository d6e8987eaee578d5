package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import io.athanor.api.registry.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;

/**
 * The files of a registry: {@code blobs/sha256/ab/<digest>} holds each content once, {@code
 * models/<kind>/<name>/<number>/} shows it under its names, {@code staging/} is where both are
 * prepared. The place of a version is its path below the registry's folder. Thread-safe.
 *
 * <p>Names are hard links where the file system has them, else copies. Java cannot ask for a copy
 * that shares its blocks (a reflink); from JDK 20 on its copies are made by Linux's {@code
 * copy_file_range}, which shares blocks by itself on Btrfs and XFS.
 *
 * <p>With a store behind it, the store has every content, and the folder those that were written or
 * asked for here.
 */
public final class BlobFolder implements AutoCloseable {
  private static final Pattern PLACE =
      Pattern.compile(
          "(models/(base|fine-tuned|specialized)|versions)/[a-z0-9][a-z0-9._-]{0,99}/[1-9][0-9]{0,8}");
  private static final int PLACE_DEPTH = 3;

  private final Path root;
  private final FolderBlobs blobs;
  private final DurableFolders folders;
  private final Path staging;
  private final Optional<BlobStore> store;
  private final boolean temporary;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** The folder is the only place of the files. */
  public BlobFolder(Path root) {
    this(root, Optional.empty(), false);
  }

  /**
   * Makes the folders.
   *
   * @param store has every content, if there is one; closed with this
   * @param temporary whether files from the store go at the beginning and the end
   * @throws StorageException if that is not possible
   */
  public BlobFolder(Path root, Optional<BlobStore> store, boolean temporary) {
    this.root = root.toAbsolutePath();
    this.folders = new DurableFolders(this.root);
    this.staging = this.root.resolve("staging");
    this.store = store;
    this.temporary = temporary && store.isPresent();
    try {
      if (this.temporary) {
        deleteAll();
      }
      folders.make(folder("models"));
      folders.make(folder("blobs"));
      Files.createDirectories(staging);
    } catch (IOException e) {
      throw new StorageException(
          root.toString(),
          "cannot be made a registry folder ("
              + e
              + "). Name a folder, or a place for a new one, that is writable",
          e);
    }
    this.blobs = new FolderBlobs(folder("blobs"));
  }

  private void deleteAll() throws IOException {
    for (String folder : List.of("models", "blobs", "staging")) {
      AtomicFolder.delete(root.resolve(folder));
    }
  }

  /** The registry's folder. */
  public Path root() {
    return root;
  }

  /** Where the files of a version lie, or would lie. */
  public Path folder(String place) {
    return root.resolve(place);
  }

  /**
   * Where the files of a version lie; with a store, those not here are fetched first.
   *
   * @throws StorageException if they cannot be fetched
   * @throws io.athanor.api.error.FormatException if the store gives something else
   */
  public Path folder(String place, Manifest manifest) {
    return store
        .map(source -> new Fetch(this, source).folder(place, manifest))
        .orElseGet(() -> folder(place));
  }

  /** Where a content lies, if it is here. */
  public Path blob(Digest digest) {
    return blobs.path(digest);
  }

  /**
   * Where a content lies; with a store, it is fetched first if it is not here.
   *
   * @throws StorageException if it cannot be fetched
   * @throws io.athanor.api.error.FormatException if the store gives something else
   */
  public Path content(Digest digest) {
    return store
        .map(source -> new Fetch(this, source).content(digest))
        .orElseGet(() -> blob(digest));
  }

  /** Begins to prepare files; close it in any case. */
  public StagedFiles stage() {
    return new StagedFiles(this, staging.resolve(UUID.randomUUID().toString()));
  }

  /** Sees to it that the store, if there is one, has a content. */
  void keep(Digest digest, Path file) {
    store.filter(target -> !target.has(digest)).ifPresent(target -> target.put(digest, file));
  }

  /** Puts a prepared content in its place; an older copy gives way. */
  void accept(Path prepared, Digest digest) throws IOException {
    blobs.accept(prepared, digest);
  }

  /** Puts a prepared folder in its place; what a dead registration left there goes. */
  void accept(Path prepared, String place) throws IOException {
    Path target = folder(place);
    Path model = Objects.requireNonNull(target.getParent());
    AtomicFolder.delete(target);
    folders.make(model);
    Files.move(prepared, target, StandardCopyOption.ATOMIC_MOVE);
    AtomicFile.forceFolder(model);
  }

  /**
   * The contents that are here, and those in the store that are old.
   *
   * @param before when old ones were put
   */
  public Set<Digest> contents(Instant before) {
    Set<Digest> found = new LinkedHashSet<>();
    blobs.list().forEach(stored -> found.add(stored.name()));
    store.map(BlobStore::list).orElse(List.of()).stream()
        .filter(stored -> stored.changed().isBefore(before))
        .forEach(stored -> found.add(stored.name()));
    return found;
  }

  /** The places of the version folders that are here. */
  public List<String> places() {
    List<String> found = new ArrayList<>();
    for (String top : List.of("models", "versions")) {
      if (Files.isDirectory(root.resolve(top))) {
        FileTree.list(root.resolve(top), PLACE_DEPTH, path -> true).stream()
            .map(folder -> root.relativize(folder).toString().replace('\\', '/'))
            .filter(PLACE.asMatchPredicate())
            .forEach(found::add);
      }
    }
    return found;
  }

  /** Removes a content, from the store too; its bytes go when no version folder shows them. */
  public void remove(Digest digest) {
    blobs.delete(digest);
    store.ifPresent(all -> all.delete(digest));
  }

  /** Removes a version's folder here. */
  public void remove(String place) {
    Path folder = folder(place);
    try {
      AtomicFolder.delete(folder);
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be deleted (" + e + ")", e);
    }
  }

  /** Whether there is a store behind the folder. */
  public boolean isCache() {
    return store.isPresent();
  }

  /**
   * Whether a content is in its place: in the store if there is one, else here.
   *
   * @throws io.athanor.api.error.AthanorException if the store does not answer
   */
  public boolean has(Digest digest) {
    return store.map(all -> all.has(digest)).orElseGet(() -> Files.exists(blob(digest)));
  }

  /** The contents that are safe in the store. */
  public Set<Digest> stored() {
    Set<Digest> names = new TreeSet<>(Comparator.comparing(Digest::hex));
    store.map(BlobStore::list).orElse(List.of()).forEach(stored -> names.add(stored.name()));
    return names;
  }

  /**
   * Removes the copies here of contents that the store has.
   *
   * @return their bytes
   */
  public long evict(Set<Digest> stored) {
    long freed = 0;
    for (BlobStore.Stored here : blobs.list()) {
      if (stored.contains(here.name())) {
        blobs.delete(here.name());
        freed += here.bytes();
      }
    }
    return freed;
  }

  /** What is wrong with the store's copy of a content; it is read, and not kept here. */
  public Optional<String> storeProblem(Digest digest) {
    if (store.isEmpty()) {
      return Optional.empty();
    }
    try (StagedFiles staged = stage()) {
      new Fetch(this, store.get()).download(digest, staged.prepared().resolve(digest.hex()));
      return Optional.empty();
    } catch (AthanorException e) {
      return Optional.of(e.getMessage());
    }
  }

  /**
   * Removes what registrations that died left behind.
   *
   * @param before those in which nothing has been written since
   * @return how many
   */
  public int removeStale(Instant before) {
    int removed = store.map(all -> all.removeStale(before)).orElse(0);
    for (Path folder : FileTree.list(staging, 1, path -> !path.equals(staging))) {
      if (lastWritten(folder).isBefore(before)) {
        remove(root.relativize(folder).toString());
        removed++;
      }
    }
    return removed;
  }

  private static Instant lastWritten(Path folder) {
    return FileTree.list(folder, Integer.MAX_VALUE, path -> true).stream()
        .map(BlobFolder::modified)
        .max(Comparator.naturalOrder())
        .orElse(Instant.MAX);
  }

  private static Instant modified(Path path) {
    try {
      return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
    } catch (IOException e) {
      return Instant.MAX;
    }
  }

  /** Closes the store, and removes the files here if they are temporary; twice is fine. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    store.ifPresent(BlobStore::close);
    if (temporary) {
      try {
        deleteAll();
      } catch (IOException e) {
        throw new StorageException(
            root.toString(), "the temporary files cannot be deleted (" + e + "). Delete them", e);
      }
    }
  }
}
