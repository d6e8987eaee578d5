package io.athanor.registry.blob;

import io.athanor.api.common.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes folders that a loss of power does not take back. One that is there might have been made by
 * a process that has not forced its name to disk, so each name is forced once by everybody who
 * relies on it. Thread-safe.
 */
final class DurableFolders {
  /** Of names that are remembered; forcing one again is harmless. */
  private static final int MOST = 10_000;

  private final Path root;
  private final Set<Path> forced = ConcurrentHashMap.newKeySet();

  /**
   * @param root of the folders; those above it are forced only if they are made here
   */
  DurableFolders(Path root) {
    this.root = root;
  }

  /** Makes a folder, and those it lies in. */
  void make(Path folder) throws IOException {
    Path parent = folder.getParent();
    boolean ours = folder.startsWith(root) && !forced.contains(folder);
    if (parent == null || (Files.isDirectory(folder) && !ours)) {
      return;
    }
    make(parent);
    Files.createDirectories(folder);
    AtomicFile.forceFolder(parent);
    if (forced.size() >= MOST) {
      forced.clear();
    }
    forced.add(folder);
  }
}
