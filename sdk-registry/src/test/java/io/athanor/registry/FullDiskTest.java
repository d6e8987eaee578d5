package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.StorageException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.SmallDisk;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a small file system of its own; skipped where this user may not mount one. */
class FullDiskTest {
  @TempDir private Path temp;
  private SmallDisk disk;

  @BeforeEach
  void mount() {
    Optional<SmallDisk> mounted = SmallDisk.mounted(temp, "2m");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    disk = mounted.orElseThrow();
  }

  @AfterEach
  void unmount() {
    if (disk != null) {
      disk.close();
    }
  }

  private ModelVersion register(ModelRegistry registry, String content) {
    return registry.registration("m", TestModels.folder(temp, content)).register();
  }

  @Test
  void registersNothingOnAFullDiskAndGoesOnWhenThereIsSpace() throws IOException {
    Path folder = disk.folder().resolve("registry");
    try (var registry = ModelRegistry.open(folder)) {
      register(registry, "small");

      assertThatThrownBy(() -> register(registry, "x".repeat(4 << 20)))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("disk not full");

      assertThat(folder.resolve("staging")).isEmptyDirectory();
      assertThat(registry.versions("m")).hasSize(1);
      assertThat(register(registry, "small again").number()).isEqualTo(2);
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void movesNothingWhenTheDatabaseCannotGrow() throws IOException {
    Path folder = disk.folder().resolve("registry");
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion first = register(registry, "first");
      registry.promote(first, "production").apply();
      Path filler = disk.folder().resolve("filler");
      fill(filler);

      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 10_000; i++) {
                  registry.promote(first, "production").because("again".repeat(1000)).apply();
                }
              })
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("the disk is full");

      Files.delete(filler);
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(registry.alias("m", "production")).isEqualTo(first);
      registry.withdraw("m", "production").apply();
      assertThat(registry.aliases("m")).isEmpty();
    }
  }

  static void fill(Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      byte[] block = new byte[4096];
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }

  @Test
  void refusesARegistryOnAReadOnlyDisk() {
    Path folder = disk.folder().resolve("registry");
    try (var registry = ModelRegistry.open(folder)) {
      register(registry, "a");
    }
    assertThat(disk.remount("ro")).isTrue();

    assertThatThrownBy(() -> ModelRegistry.open(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be opened for writing")
        .hasMessageContaining("Check that folder and file are writable");
  }
}
