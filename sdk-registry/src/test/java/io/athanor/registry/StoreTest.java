package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.registry.BlobStore;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.blob.FolderBlobs;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.SqliteDatabase;
import io.athanor.tck.fixture.SmallDisk;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Registries of several machines: one database, one store, and a folder on each as a cache. */
class StoreTest {
  private static final Digest WEIGHTS = Digest.ofText("weights");

  @TempDir private Path temp;
  private BlobStore store;

  @BeforeEach
  void makeStore() {
    store = new FolderBlobs(temp.resolve("store"));
  }

  private RegistryBuilder machine(String name) {
    return ModelRegistry.in(temp.resolve(name))
        .database(new SqliteDatabase(temp.resolve("shared.db"), Duration.ofSeconds(30)))
        .blobs(store);
  }

  private ModelVersion register(ModelRegistry registry, String content) {
    return registry
        .registration("m", TestModels.folder(temp, content))
        .report(TestModels.report(Map.of("f1", 0.5)))
        .register();
  }

  private static void isEmpty(Path folder) {
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void oneMachineRegistersAndAnotherReads() throws IOException {
    try (var first = machine("first").open();
        var second = machine("second").open()) {
      ModelVersion written = register(first, "weights");

      ModelVersion read = second.version("m", 1);
      Path folder = read.folder();

      assertThat(folder).isEqualTo(temp.resolve("second/models/base/m/1"));
      assertThat(folder.resolve("weights.bin")).hasContent("weights");
      assertThat(folder.resolve("text/vocabulary.txt")).hasContent("words");
      assertThat(Files.isSameFile(folder.resolve("weights.bin"), second.files().blob(WEIGHTS)))
          .isTrue();
      assertThat(Files.isWritable(folder.resolve("weights.bin")) && !isRoot()).isFalse();
      read.verify();
      assertThat(read.digest()).isEqualTo(written.digest());
      assertThat(second.report(read)).isPresent();
      assertThat(first.verify().problems()).isEmpty();
      assertThat(second.verify()).isEqualTo(new RegistryCheck(1, 3, List.of()));
      isEmpty(temp.resolve("second/staging"));
    }
  }

  private static boolean isRoot() {
    return System.getProperty("user.name").equals("root");
  }

  @Test
  void aCacheCanBeEmptied() {
    try (var registry = machine("first").open()) {
      ModelVersion version = register(registry, "weights");

      assertThat(registry.emptyCache()).isGreaterThanOrEqualTo(version.bytes());

      assertThat(temp.resolve("first/models/base/m/1")).doesNotExist();
      assertThat(registry.files().blob(WEIGHTS)).doesNotExist();
      version.verify();
      assertThat(registry.report(version)).isPresent();
    }
  }

  @Test
  void whatOnlyTheCacheHasStays() {
    try (var registry = machine("first").open()) {
      ModelVersion version = register(registry, "weights");
      store.delete(WEIGHTS);

      registry.emptyCache();

      assertThat(registry.files().blob(WEIGHTS)).hasContent("weights");
      version.verify();
      assertThat(registry.verify().problems())
          .singleElement()
          .asString()
          .contains("m:1: No content " + WEIGHTS);
    }
  }

  /** The cache has them all, so nobody who reads would notice. */
  @Test
  void noticesWhatTheStoreHasLostOrChanged() throws IOException {
    try (var registry = machine("first").open()) {
      ModelVersion version = register(registry, "weights");
      VersionDocuments documents = registry.documents(version);
      Document lost = documents.attach("bias", new byte[] {1}, "text/plain");
      Document changed = documents.attach("bias", new byte[] {2}, "text/plain");
      Digest report = version.report().orElseThrow();
      assertThat(registry.verify().problems()).isEmpty();
      store.delete(lost.digest());
      store.put(changed.digest(), Files.writeString(temp.resolve("wrong"), "wrong"));
      store.delete(report);

      assertThat(registry.verify().problems())
          .hasSize(3)
          .anyMatch(p -> p.startsWith("m:1: No content " + report))
          .anyMatch(p -> p.startsWith(lost + ": No content " + lost.digest()))
          .anyMatch(p -> p.startsWith(changed + ": ") && p.contains("" + changed.digest()));

      Path cached = registry.files().blob(lost.digest());
      assertThat(cached.toFile().setWritable(true)).isTrue();
      Files.writeString(cached, "damaged here");
      assertThat(registry.verify().problems())
          .hasSize(4)
          .anyMatch(p -> p.startsWith(lost + ": " + cached + ": expected digest"));
    }
  }

  @Test
  void aRegistryWithoutAStoreHasNoCache() {
    try (var registry = ModelRegistry.open(temp.resolve("alone"))) {
      assertThatThrownBy(registry::emptyCache)
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("the only place of its files")
          .hasMessageContaining("blobs(store)");
    }
  }

  @Test
  void aTemporaryCacheLeavesNothing() throws IOException {
    Path folder = temp.resolve("first");
    Files.createDirectories(folder.resolve("models/base/m/1"));
    Files.writeString(folder.resolve("models/base/m/1/left.bin"), "of a process that died");
    try (var registry = machine("first").temporaryCache().open()) {
      assertThat(folder.resolve("models/base")).doesNotExist();
      register(registry, "weights").verify();
    }
    for (String name : List.of("models", "blobs", "staging")) {
      assertThat(folder.resolve(name)).doesNotExist();
    }
    try (var registry = machine("first").temporaryCache().open()) {
      registry.version("m", 1).verify();
    }
  }

  @Test
  void showsNoFolderOfDamagedContents() throws IOException {
    try (var first = machine("first").open();
        var second = machine("second").open()) {
      register(first, "weights");
      store.put(WEIGHTS, Files.writeString(temp.resolve("wrong"), "wrongly"));
      ModelVersion read = second.version("m", 1);

      assertThatThrownBy(read::folder)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("expected content with digest " + WEIGHTS)
          .hasMessageContaining("got " + Digest.ofText("wrongly"));

      assertThat(temp.resolve("second/models/base/m/1")).doesNotExist();
      assertThat(second.files().blob(WEIGHTS)).doesNotExist();
      isEmpty(temp.resolve("second/staging"));
      assertThat(second.verify().problems())
          .singleElement()
          .asString()
          .contains("expected content with digest " + WEIGHTS);
    }
  }

  @Test
  void mendsAFolderThatIsNotWhole() throws IOException {
    try (var registry = machine("first").open()) {
      ModelVersion version = register(registry, "weights");
      Path folder = version.folder();

      Files.delete(folder.resolve("config.json"));
      version.verify();

      Files.writeString(folder.resolve("stranger.bin"), "x");
      version.verify();

      Path blob = registry.files().blob(WEIGHTS);
      assertThat(blob.toFile().setWritable(true)).isTrue();
      Files.writeString(blob, "damaged content");
      version.verify();
      assertThat(blob).hasContent("weights");
    }
  }

  @Test
  void replacesWhatADeadRegistrationLeftInTheCache() throws IOException {
    try (var first = machine("first").open();
        var second = machine("second").open()) {
      Files.createDirectories(temp.resolve("second/models/base/m/1"));
      Files.writeString(temp.resolve("second/models/base/m/1/half.bin"), "half");
      register(first, "weights");

      second.version("m", 1).verify();
    }
  }

  @Test
  void deletionRemovesFromTheStoreWhatNobodyElseHas() {
    try (var registry = machine("first").open()) {
      ModelVersion kept = register(registry, "kept");
      ModelVersion deleted = register(registry, "weights");

      registry.delete(deleted).apply();

      assertThat(store.has(WEIGHTS)).isFalse();
      assertThat(store.has(Digest.ofText("kept"))).isTrue();
      registry.emptyCache();
      kept.verify();
      assertThatThrownBy(deleted::folder).isInstanceOf(NotFoundException.class);
    }
  }

  @Test
  void collectsOldGarbageInTheStoreAndSparesYoung() throws IOException {
    Digest orphan = Digest.ofText("orphan");
    store.put(orphan, Files.writeString(temp.resolve("orphan"), "orphan"));
    try (var registry = machine("first").open()) {
      register(registry, "weights");

      assertThat(registry.collectGarbage().contents()).isZero();
      assertThat(store.has(orphan)).isTrue();
    }
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (var registry = machine("first").clock(later).open()) {
      assertThat(registry.collectGarbage().contents()).isEqualTo(1);
      assertThat(store.has(orphan)).isFalse();
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  /** A store with faults. */
  private abstract static class Faulty implements BlobStore {
    private final BlobStore behind;

    Faulty(BlobStore behind) {
      this.behind = behind;
    }

    @Override
    public void put(Digest name, Path file) {
      behind.put(name, file);
    }

    @Override
    public void get(Digest name, Path target) {
      behind.get(name, target);
    }

    @Override
    public boolean has(Digest name) {
      return behind.has(name);
    }

    @Override
    public void delete(Digest name) {
      behind.delete(name);
    }

    @Override
    public List<Stored> list() {
      return behind.list();
    }

    @Override
    public int removeStale(Instant before) {
      return behind.removeStale(before);
    }

    @Override
    public void close() {
      behind.close();
    }
  }

  @Test
  void storesAgainWhatWasCollectedBeforeItWasRegistered() {
    Set<Digest> collected = new HashSet<>();
    store =
        new Faulty(store) {
          @Override
          public void put(Digest name, Path file) {
            super.put(name, file);
            if (collected.add(name)) {
              delete(name);
            }
          }
        };
    try (var first = machine("first").open();
        var second = machine("second").open()) {
      register(first, "weights");

      assertThat(collected).hasSize(4);
      second.version("m", 1).verify();
      assertThat(second.verify().problems()).isEmpty();
    }
  }

  @Test
  void registersNothingThatCannotBeStored() {
    store =
        new Faulty(store) {
          @Override
          public void put(Digest name, Path file) {
            if (name.equals(WEIGHTS)) {
              throw new StorageException("the store", "cannot be reached. Try again");
            }
            super.put(name, file);
          }
        };
    try (var registry = machine("first").open()) {
      assertThatThrownBy(() -> register(registry, "weights"))
          .isInstanceOf(StorageException.class)
          .hasMessage("the store: cannot be reached. Try again");

      assertThat(registry.models()).isEmpty();
      isEmpty(temp.resolve("first/staging"));
      isEmpty(temp.resolve("first/models"));
      assertThat(register(registry, "others").number()).isEqualTo(1);
    }
  }

  @Test
  void manyMayFetchTheSameAtOnce() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (var first = machine("first").open();
        var second = machine("second").open();
        var sameFolder = machine("second").open()) {
      register(first, "weights");
      List<Future<Path>> fetched = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        ModelRegistry registry = i % 2 == 0 ? second : sameFolder;
        fetched.add(
            pool.submit(
                () -> {
                  ModelVersion version = registry.version("m", 1);
                  version.verify();
                  return version.folder();
                }));
      }
      for (Future<Path> one : fetched) {
        assertThat(one.get()).isEqualTo(temp.resolve("second/models/base/m/1"));
      }
      isEmpty(temp.resolve("second/staging"));
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void showsNoHalfFolderOnAFullDisk() {
    Optional<SmallDisk> mounted = SmallDisk.mounted(temp, "1m");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    try (SmallDisk disk = mounted.orElseThrow();
        var first = machine("first").open();
        var second = machine("disk/second").open()) {
      register(first, "x".repeat(2 << 20));
      ModelVersion small = register(first, "small");

      assertThatThrownBy(() -> second.version("m", 1).folder())
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("disk not full");

      assertThat(disk.folder().resolve("second/models/base/m/1")).doesNotExist();
      isEmpty(disk.folder().resolve("second/staging"));
      second.version(small.id()).verify();
    }
  }
}
