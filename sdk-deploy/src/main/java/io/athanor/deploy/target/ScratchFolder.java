package io.athanor.deploy.target;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A folder for what is only on its way elsewhere, gone afterwards. */
final class ScratchFolder {
  private static final Logger LOG = LoggerFactory.getLogger(ScratchFolder.class);
  private static final String PLACE = "java.io.tmpdir";

  /** What is done in the folder. */
  interface Work<T> {
    T in(Path folder) throws IOException;
  }

  private ScratchFolder() {}

  /**
   * Does some work in a new folder.
   *
   * @throws StorageException if the folder cannot be made or written
   */
  static <T> T during(Work<T> work) {
    String place = String.valueOf(System.getProperty(PLACE));
    Path folder = null;
    try {
      folder = Files.createTempDirectory("athanor");
      place = folder.toString();
      return work.in(folder);
    } catch (IOException e) {
      throw new StorageException(
          place, "cannot be written (" + e + "). Free space there, or set " + PLACE, e);
    } finally {
      if (folder != null) {
        delete(folder);
      }
    }
  }

  private static void delete(Path folder) {
    try {
      AtomicFolder.delete(folder);
    } catch (IOException e) {
      LOG.warn("{} stays behind and can be deleted", folder, e);
    }
  }
}
