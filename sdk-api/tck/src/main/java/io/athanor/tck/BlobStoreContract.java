package io.athanor.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every store of contents does. */
public abstract class BlobStoreContract {
  private static final Duration CLOCK_ERROR = Duration.ofMinutes(2);

  /** A folder for the test's own files. */
  @TempDir protected Path temp;

  private BlobStore store;

  /** Opens the store: the same one each time within a test, and empty at the beginning. */
  protected abstract BlobStore open();

  @BeforeEach
  final void openStore() {
    store = open();
  }

  @AfterEach
  final void closeStore() {
    if (store != null) {
      store.close();
    }
  }

  /** A file of so many random bytes. */
  protected final Path file(int bytes) {
    byte[] content = new byte[bytes];
    new Random(bytes).nextBytes(content);
    try {
      return Files.write(Files.createTempFile(temp, "content", ".bin"), content);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The digest of a file. */
  protected static Digest digest(Path file) {
    try {
      return Digest.ofFile(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Digest put(Path file) {
    Digest digest = digest(file);
    store.put(digest, file);
    return digest;
  }

  @Test
  void givesBackWhatWasPut() {
    for (int bytes : List.of(0, 1, 1000, 3_000_001)) {
      Path file = file(bytes);
      Digest name = put(file);

      Path target = temp.resolve("new folder").resolve("back-" + bytes);
      store.get(name, target);

      assertThat(target).hasSameBinaryContentAs(file);
      assertThat(store.has(name)).isTrue();
    }
  }

  @Test
  void hasNothingElse() throws IOException {
    put(file(10));
    Digest absent = Digest.ofText("absent");
    Path target = Files.writeString(temp.resolve("target"), "before");

    assertThat(store.has(absent)).isFalse();
    assertThatThrownBy(() -> store.get(absent, target))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining(absent.toString());
    assertThat(target).hasContent("before");
    assertThat(filesBeside(target)).noneMatch(name -> name.endsWith(".tmp"));
  }

  private static List<String> filesBeside(Path file) throws IOException {
    try (var files = Files.list(file.getParent())) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }

  @Test
  void puttingAgainReplaces() throws IOException {
    Path file = file(100);
    Digest name = put(file);
    put(file);
    Path other = Files.writeString(temp.resolve("other"), "other");
    Path target = temp.resolve("target");

    store.put(name, other);
    store.get(name, target);
    assertThat(target).hasContent("other");

    store.put(name, file);
    store.get(name, target);
    assertThat(target).hasSameBinaryContentAs(file);
    assertThat(store.list()).hasSize(1);
  }

  @Test
  void listsWhatIsThere() {
    assertThat(store.list()).isEmpty();
    List<Digest> put = new ArrayList<>();
    Instant before = Instant.now().minus(CLOCK_ERROR);
    for (int bytes = 1; bytes <= 12; bytes++) {
      put.add(put(file(bytes)));
    }
    Instant after = Instant.now().plus(CLOCK_ERROR);

    List<BlobStore.Stored> listed = store.list();

    assertThat(listed)
        .extracting(BlobStore.Stored::name)
        .containsExactlyElementsOf(
            put.stream().sorted((a, b) -> a.hex().compareTo(b.hex())).toList());
    assertThat(listed)
        .allSatisfy(
            stored -> {
              assertThat(stored.bytes()).isPositive();
              assertThat(stored.changed()).isBetween(before, after);
            });
  }

  @Test
  void deletes() {
    Digest name = put(file(10));
    Digest kept = put(file(11));

    store.delete(name);
    store.delete(name);

    assertThat(store.has(name)).isFalse();
    assertThatThrownBy(() -> store.get(name, temp.resolve("target")))
        .isInstanceOf(NotFoundException.class);
    assertThat(store.list()).extracting(BlobStore.Stored::name).containsExactly(kept);
  }

  @Test
  void isTheSameForAllWhoOpenIt() {
    Path file = file(5000);
    Digest name = put(file);

    try (BlobStore other = open()) {
      Path target = temp.resolve("target");
      other.get(name, target);
      assertThat(target).hasSameBinaryContentAs(file);
      other.delete(name);
    }
    assertThat(store.has(name)).isFalse();
  }

  @Test
  void servesManyAtOnce() throws Exception {
    Path shared = file(200_000);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Path>> results = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Path target = temp.resolve("target-" + i);
        Path own = i % 2 == 0 ? shared : file(1000 + i);
        results.add(
            pool.submit(
                () -> {
                  store.get(put(own), target);
                  assertThat(target).hasSameBinaryContentAs(own);
                  return own;
                }));
      }
      for (Future<Path> result : results) {
        result.get();
      }
      assertThat(store.list()).hasSize(5);
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void keepsOneOfSeveralPutUnderANameAtOnce() throws Exception {
    Digest name = Digest.ofText("rivals");
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<String>> results = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        String text = ("rival " + i).repeat(10_000);
        Path file = Files.writeString(temp.resolve("rival-" + i), text);
        results.add(
            pool.submit(
                () -> {
                  store.put(name, file);
                  return text;
                }));
      }
      List<String> put = new ArrayList<>();
      for (Future<String> result : results) {
        put.add(result.get());
      }
      store.get(name, temp.resolve("target"));
      assertThat(Files.readString(temp.resolve("target"))).isIn(put);
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void storesNothingWhereThereIsNoFile() {
    Digest name = Digest.ofText("missing");

    assertThatThrownBy(() -> store.put(name, temp.resolve("missing.bin")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("missing.bin");
    assertThat(store.has(name)).isFalse();
    assertThat(store.list()).isEmpty();
  }

  @Test
  void saysThatATargetCannotBeWritten() throws IOException {
    Digest name = put(file(10));
    Path blocked = Files.writeString(temp.resolve("file"), "not a folder").resolve("target");

    assertThatThrownBy(() -> store.get(name, blocked))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(blocked.toString());
  }

  @Test
  void removingWhatIsStaleLeavesContents() {
    Digest name = put(file(10));

    assertThat(store.removeStale(Instant.now().plus(Duration.ofDays(1)))).isZero();
    assertThat(store.has(name)).isTrue();
  }

  @Test
  void closesTwice() {
    assertThatCode(
            () -> {
              store.close();
              store.close();
            })
        .doesNotThrowAnyException();
  }
}
