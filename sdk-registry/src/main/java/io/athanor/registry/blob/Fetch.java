package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import io.athanor.api.registry.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;

/**
 * Brings contents from a store into the registry's folder. Several threads and processes may fetch
 * the same: each prepares it aside, and the first that is done shows it.
 */
record Fetch(BlobFolder files, BlobStore store) {

  /** A version's folder, whole. */
  Path folder(String place, Manifest manifest) {
    Path target = files.folder(place);
    if (isWhole(target, manifest)) {
      return target;
    }
    try (StagedFiles staged = files.stage()) {
      for (Manifest.Entry entry : manifest.files()) {
        Path content = bring(entry.digest(), staged);
        Path file = inside(staged.folder(), entry);
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        StagedFiles.linkOrCopy(content, file);
      }
      FileTree.list(staged.folder(), Integer.MAX_VALUE, Files::isDirectory)
          .forEach(AtomicFile::forceFolder);
      show(staged, target, manifest);
    } catch (IOException e) {
      throw unwritable(target, e);
    }
    return target;
  }

  /** A content that is here. */
  Path content(Digest digest) {
    Path blob = files.blob(digest);
    if (!Files.exists(blob)) {
      try (StagedFiles staged = files.stage()) {
        bring(digest, staged);
      } catch (IOException e) {
        throw unwritable(blob, e);
      }
    }
    return blob;
  }

  /**
   * Downloads a content.
   *
   * @throws FormatException if it is not what its name says; nothing stays
   */
  void download(Digest digest, Path target) {
    store.get(digest, target);
    try {
      Digest actual = Digest.ofFile(target);
      if (!actual.equals(digest)) {
        Files.delete(target);
        throw new FormatException(
            store.toString(),
            "damaged: expected content with digest "
                + digest
                + ", got "
                + actual
                + ". Restore it from a copy or register the model again");
      }
      target.toFile().setReadOnly();
    } catch (IOException e) {
      throw unwritable(target, e);
    }
  }

  /** A sound copy below the staged files, which nobody else removes, and one more for others. */
  private Path bring(Digest digest, StagedFiles staged) throws IOException {
    Path own = staged.prepared().resolve(digest.hex());
    if (Files.exists(own)) {
      return own;
    }
    Path blob = files.blob(digest);
    if (Files.exists(blob)) {
      StagedFiles.linkOrCopy(blob, own);
      if (Digest.ofFile(own).equals(digest)) {
        return own;
      }
      Files.delete(own);
    }
    download(digest, own);
    Path link = staged.prepared().resolve(digest.hex() + ".link");
    StagedFiles.linkOrCopy(own, link);
    files.accept(link, digest);
    return own;
  }

  private static Path inside(Path folder, Manifest.Entry entry) {
    Path file = folder.resolve(entry.path()).normalize();
    if (!file.startsWith(folder) || file.equals(folder)) {
      throw new FormatException(
          "the list of files", "'" + entry.path() + "' leads out of the version's folder");
    }
    return file;
  }

  private void show(StagedFiles staged, Path target, Manifest manifest) throws IOException {
    Path parent = Objects.requireNonNull(target.getParent());
    Files.createDirectories(parent);
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      if (isWhole(target, manifest)) {
        return;
      }
      Files.move(
          target, staged.prepared().resolve("former-folder"), StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(staged.folder(), target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (!isWhole(target, manifest)) {
        throw e;
      }
    }
    AtomicFile.forceFolder(parent);
  }

  /** Whether a folder has all files and no other, each the registry's copy or equal to it. */
  private boolean isWhole(Path folder, Manifest manifest) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    List<Path> there =
        FileTree.list(
            folder, Integer.MAX_VALUE, path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS));
    return there.size() == manifest.files().size()
        && manifest.files().stream().allMatch(entry -> isSound(inside(folder, entry), entry));
  }

  private boolean isSound(Path file, Manifest.Entry entry) {
    Path blob = files.blob(entry.digest());
    try {
      return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
          && Files.size(file) == entry.bytes()
          && ((Files.exists(blob) && Files.isSameFile(file, blob))
              || Digest.ofFile(file).equals(entry.digest()));
    } catch (IOException e) {
      return false;
    }
  }

  private static StorageException unwritable(Path target, IOException e) {
    return new StorageException(
        target.toString(),
        "cannot be fetched ("
            + e
            + "). Check that the registry's folder is writable and the disk not full",
        e);
  }
}
