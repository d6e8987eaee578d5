package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.blob.FolderBlobs;
import io.athanor.registry.governance.Document;
import io.athanor.tck.fixture.SmallDisk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What health() says of faults, and which faults are for verify() and garbage collection. */
class RegistryHealthTest {
  @TempDir private Path temp;
  private Path folder;

  @BeforeEach
  void choose() {
    folder = temp.resolve("registry");
  }

  private ModelVersion register(ModelRegistry registry) {
    return registry
        .registration("m", TestModels.folder(temp, "weights"))
        .report(TestModels.report(Map.of("f1", 0.5)))
        .register();
  }

  /** Small machines have little space, which is a problem of its own. */
  private static List<String> problems(RegistryHealth health) {
    return health.problems().stream().filter(p -> !p.contains("MiB are free")).toList();
  }

  @Test
  void leavesMissingAndDamagedContentsToVerification() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion version = register(registry);
      Document notes =
          registry.documents(version).attach("bias", new byte[] {1, 2}, "application/json");
      Path weights = registry.files().blob(Digest.ofText("weights"));
      Path words = registry.files().blob(Digest.ofText("words"));
      Path report = registry.files().blob(version.report().orElseThrow());
      Path attached = registry.files().blob(notes.digest());
      Path orphan = registry.files().blob(Digest.ofText("orphan"));
      Files.createDirectories(orphan.getParent());
      Files.writeString(orphan, "orphan");
      assertThat(registry.verify().problems()).as("orphans are no damage").isEmpty();
      Files.delete(attached);
      assertThat(words.toFile().setWritable(true)).isTrue();
      Files.writeString(words, "sword");
      Files.delete(report);

      assertThat(problems(registry.health())).isEmpty();
      Files.delete(weights);
      assertThat(registry.verify().problems())
          .hasSize(4)
          .anyMatch(p -> p.startsWith("m:1: " + weights + " cannot be read"))
          .anyMatch(p -> p.contains("text/vocabulary.txt"))
          .anyMatch(p -> p.startsWith("m:1: " + report + " cannot be read"))
          .anyMatch(p -> p.startsWith(notes + ": " + attached + " cannot be read"));
      assertThat(registry.collectGarbage().contents()).isEqualTo(1);
      assertThat(orphan).doesNotExist();
    }
  }

  @Test
  void saysWhenTheStoreCannotBeReached() throws IOException {
    Path store = temp.resolve("store");
    try (var registry = ModelRegistry.in(folder).blobs(new FolderBlobs(store)).open()) {
      register(registry);
      assertThat(problems(registry.health())).isEmpty();
      Files.move(store, temp.resolve("elsewhere"));
      Files.writeString(store, "the folder is not mounted");

      RegistryHealth health = registry.health();

      assertThat(health.sound()).isFalse();
      assertThat(health.readable()).isTrue();
      assertThat(problems(health))
          .singleElement()
          .asString()
          .startsWith("files cannot be reached: No content sha256:")
          .endsWith("A version has it. Is the place of the files mounted, and the right one?");
    }
  }

  @Test
  void saysWhenTheDatabaseIsDamaged() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      register(registry);
    }
    try (var registry = ModelRegistry.open(folder)) {
      try (RandomAccessFile database =
          new RandomAccessFile(folder.resolve("registry.db").toFile(), "rw")) {
        database.seek(4096);
        database.write(new byte[(int) database.length() - 4096]);
      }

      RegistryHealth health = registry.health();

      assertThat(health.readable() && health.writable()).isFalse();
      assertThat(problems(health)).singleElement().asString().contains("registry.db: damaged");
    }
  }

  @Test
  void saysWhenTheDiskIsSmallOrFull() throws IOException {
    Optional<SmallDisk> mounted = SmallDisk.mounted(temp, "2m");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    try (SmallDisk disk = mounted.orElseThrow();
        var registry = ModelRegistry.open(disk.folder().resolve("registry"))) {
      register(registry);
      RegistryHealth small = registry.health();
      assertThat(small.writable()).isTrue();
      assertThat(small.problems())
          .singleElement()
          .asString()
          .startsWith("only 1 MiB are free on the disk of " + disk.folder());

      FullDiskTest.fill(disk.folder().resolve("filler"));
      RegistryHealth full = registry.health();
      assertThat(full.readable()).isTrue();
      assertThat(full.writable()).isFalse();
      assertThat(problems(full))
          .singleElement()
          .asString()
          .startsWith("database cannot be written: ")
          .contains("the disk is full");
    }
  }
}
