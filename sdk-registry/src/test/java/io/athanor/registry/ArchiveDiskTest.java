package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.StorageException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.blob.FolderBlobs;
import io.athanor.tck.fixture.SmallDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Archives and backups on a disk of 2 MiB that becomes full; skipped where nobody may mount one.
 */
class ArchiveDiskTest {
  private static final int LARGE = 3 << 20;

  @TempDir private Path temp;
  private SmallDisk disk;
  private ModelRegistry source;
  private ModelVersion version;

  @BeforeEach
  void mount() {
    Optional<SmallDisk> mounted = SmallDisk.mounted(temp, "2m");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    disk = mounted.orElseThrow();
    source = ModelRegistry.open(temp.resolve("source"));
    version = register("x".repeat(LARGE));
    source.documents(version).attach("bias", new byte[] {1}, "text/plain");
  }

  @AfterEach
  void unmount() {
    if (disk != null) {
      source.close();
      disk.close();
    }
  }

  private ModelVersion register(String content) {
    return source.registration("m", TestModels.folder(temp, content)).register();
  }

  private static void isEmpty(ModelRegistry target, Path folder) {
    assertThat(target.models()).isEmpty();
    assertThat(target.audit().head()).isEmpty();
    assertThat(target.files().places()).isEmpty();
    assertThat(folder.resolve("staging")).isEmptyDirectory();
    assertThat(target.verify().problems()).isEmpty();
  }

  @Test
  void anArchiveThatDoesNotFitLeavesWhatWasThere() throws IOException {
    Path file = Files.writeString(disk.folder().resolve("file.tar"), "an older one");

    assertThatThrownBy(() -> source.archive().export(version, file))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("No space left on device");
    assertThatThrownBy(() -> source.archive().backup(file))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("No space left on device");

    assertThat(disk.folder().toFile().list()).containsExactly("file.tar");
    assertThat(file).hasContent("an older one");
    assertThat(temp.resolve("source/staging")).isEmptyDirectory();
  }

  @Test
  void aVersionThatDoesNotFitIsNotImported() {
    Path file = temp.resolve("version.tar");
    source.archive().export(version, file);
    Path folder = disk.folder().resolve("target");
    try (ModelRegistry target = ModelRegistry.open(folder)) {
      assertThatThrownBy(() -> target.archive().importFrom(file))
          .isInstanceOf(StorageException.class)
          .hasMessageStartingWith(folder.toString())
          .hasMessageContaining("No space left on device");

      isEmpty(target, folder);
      assertThat(disk.remount("size=12m")).isTrue();
      assertThat(target.archive().importFrom(file).digest()).isEqualTo(version.digest());
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  @Test
  void aRegistryThatDoesNotFitIsNotRestored() {
    for (int i = 0; i < 5; i++) {
      register("small " + i);
    }
    Path file = temp.resolve("backup.tar");
    BackupSummary summary = source.archive().backup(file);
    Path folder = disk.folder().resolve("target");
    try (ModelRegistry target = ModelRegistry.open(folder)) {
      assertThatThrownBy(() -> target.archive().restore(file))
          .isInstanceOf(StorageException.class)
          .hasMessageStartingWith(folder.toString())
          .hasMessageContaining("No space left on device");

      isEmpty(target, folder);
      assertThat(disk.remount("size=12m")).isTrue();
      assertThat(target.archive().restore(file)).isEqualTo(summary);
      assertThat(target.versions("m")).hasSize(6);
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  /** The files fit, and the rows do not. */
  @Test
  void aRegistryWhoseRowsDoNotFitIsNotRestored() {
    source.delete(version).apply();
    ModelVersion small = register("small");
    for (int i = 0; i < 300; i++) {
      source.promote(small, "production").because("again ".repeat(500)).apply();
    }
    Path file = temp.resolve("backup.tar");
    source.archive().backup(file);
    Path shared = temp.resolve("store");
    Path folder = disk.folder().resolve("target");
    try (ModelRegistry target = ModelRegistry.in(folder).blobs(new FolderBlobs(shared)).open()) {
      assertThatThrownBy(() -> target.archive().restore(file))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("disk")
          .hasMessageContaining("full");

      isEmpty(target, folder);
      assertThat(disk.remount("size=24m")).isTrue();
      target.archive().restore(file);
      assertThat(target.aliasHistory("m", "production")).hasSize(300);
      assertThat(target.verify().problems()).isEmpty();
    }
  }
}
