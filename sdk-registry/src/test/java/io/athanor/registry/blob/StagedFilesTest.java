package io.athanor.registry.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class StagedFilesTest {
  private static final Digest SAME = Digest.ofText("same");

  private static final Set<PosixFilePermission> WRITE =
      Set.of(
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.OTHERS_WRITE);

  @TempDir Path temp;
  private BlobFolder files;

  @BeforeEach
  void open() {
    files = new BlobFolder(temp.resolve("registry"));
  }

  @Test
  void keepsAContentOnceHoweverManyFilesHaveIt() throws IOException {
    publish("models/base/a/1", "one", "two");
    publish("models/base/a/2", "three");

    for (String shown : new String[] {"1/one", "1/two", "2/three"}) {
      Path file = files.folder("models/base/a/" + shown);
      assertThat(file).hasContent("same");
      assertThat(Files.getPosixFilePermissions(file))
          .isNotEmpty()
          .doesNotContainAnyElementsOf(WRITE);
      assertThat(Files.isSameFile(file, files.blob(SAME))).as(shown).isTrue();
    }
  }

  @Test
  void putsAContentAgainThatWasCollectedSinceItWasStaged() throws IOException {
    publish("models/base/a/1", "one");
    byte[] content = "same".getBytes(StandardCharsets.UTF_8);
    try (StagedFiles staged = files.stage()) {
      assertThat(staged.add(content)).isEqualTo(SAME);
      assertThat(staged.add(content)).isEqualTo(SAME);
      files.remove(SAME);
      staged.publish();
    }

    assertThat(files.blob(SAME)).hasContent("same");
  }

  @Test
  @Timeout(60)
  void staysWholeWhileItsContentIsCollectedAgainAndAgain() throws Exception {
    AtomicBoolean ended = new AtomicBoolean();
    CompletableFuture<Void> collector =
        CompletableFuture.runAsync(
            () -> {
              while (!ended.get()) {
                files.remove(SAME);
              }
            });
    try {
      for (int version = 1; version <= 200; version++) {
        publish("models/base/a/" + version, "one", "two");
      }
    } finally {
      ended.set(true);
      collector.get();
    }

    for (int version = 1; version <= 200; version++) {
      assertThat(files.folder("models/base/a/" + version + "/one")).hasContent("same");
      assertThat(files.folder("models/base/a/" + version + "/two")).hasContent("same");
    }
  }

  @Test
  void replacesADamagedContent() throws IOException {
    Path kept = files.blob(SAME);
    Files.createDirectories(kept.getParent());
    Files.writeString(kept, "lost");

    publish("models/base/a/1", "one");

    assertThat(kept).hasContent("same");
    assertThat(files.folder("models/base/a/1/one")).hasContent("same");
  }

  @Test
  void makesFoldersAgainThatSomebodyRemoved() throws IOException {
    Path folder = temp.resolve("new").resolve("deep").resolve("folder");
    DurableFolders folders = new DurableFolders(temp.resolve("new"));

    folders.make(folder);
    folders.make(folder);
    assertThat(folder).isEmptyDirectory();

    AtomicFolder.delete(temp.resolve("new"));
    folders.make(folder);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void makesFoldersBelowTheRootOfTheFileSystem() throws IOException {
    Path folder = temp.toRealPath().resolve("folder");

    new DurableFolders(folder.getRoot()).make(folder);

    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void contentThatCouldNotBeAddedIsNotWrittenToByTheNext() throws IOException {
    AtomicInteger failures = new AtomicInteger();
    BlobStore store = storeThatFails(failures);
    try (BlobFolder stored = new BlobFolder(temp.resolve("cache"), Optional.of(store), false);
        StagedFiles first = stored.stage();
        StagedFiles second = stored.stage()) {
      first.add(bytes("same"));
      first.publish();
      failures.set(1);
      assertThatThrownBy(() -> second.add(bytes("same")))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("is away");

      Digest other = second.add(bytes("other"));
      assertThat(second.add(bytes("same"))).isEqualTo(SAME);
      second.publish();

      assertThat(stored.blob(SAME)).hasContent("same");
      assertThat(stored.blob(other)).hasContent("other");
    }
  }

  /** As many times as the count says when it is asked whether it has a content. */
  private BlobStore storeThatFails(AtomicInteger count) {
    FolderBlobs blobs = new FolderBlobs(temp.resolve("store"));
    return (BlobStore)
        Proxy.newProxyInstance(
            BlobStore.class.getClassLoader(),
            new Class<?>[] {BlobStore.class},
            (self, method, arguments) -> {
              if (method.getName().equals("has") && count.getAndDecrement() > 0) {
                throw new StorageException("the store", "is away");
              }
              return method.invoke(blobs, arguments);
            });
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void publish(String place, String... names) throws IOException {
    try (StagedFiles staged = files.stage()) {
      Files.createDirectories(staged.folder());
      for (String name : names) {
        Files.writeString(staged.folder().resolve(name), "same");
      }
      assertThat(staged.seal().files()).hasSize(names.length);
      staged.publish(place);
    }
  }
}
