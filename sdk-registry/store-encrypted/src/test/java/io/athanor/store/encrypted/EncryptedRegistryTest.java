package io.athanor.store.encrypted;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.ModelRegistry;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.blob.FolderBlobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A registry whose files leave its folder only encrypted. */
class EncryptedRegistryTest {
  private static final String SECRET = "the weights that nobody else may see";

  @TempDir private Path temp;

  @Test
  void keepsNothingPlainWhenItIsClosed() throws IOException {
    Path model = Files.createDirectory(temp.resolve("model"));
    Files.writeString(model.resolve("weights.bin"), SECRET);
    Keyring keyring = Keyring.create(temp.resolve("keys.json"));
    try (var registry = open(keyring)) {
      registry.registration("m", model).register();
    }
    keyring.rotate();
    try (var store = EncryptedBlobs.over(new FolderBlobs(temp.resolve("store")), keyring, temp)) {
      assertThat(store.reencrypt()).isEqualTo(1);
    }
    keyring.retireOldKeys();
    try (var registry = open(Keyring.open(temp.resolve("keys.json")))) {
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(registry.version("m", 1).folder().resolve("weights.bin")).hasContent(SECRET);
    }

    assertThat(filesWithTheSecret()).containsExactly(model.resolve("weights.bin"));
  }

  @Test
  void goesIntoArchivesAndComesBackUnderOtherKeys() throws IOException {
    Path model = Files.createDirectory(temp.resolve("model"));
    Files.writeString(model.resolve("weights.bin"), SECRET);
    Path backup = temp.resolve("backup.tar");
    Path archive = temp.resolve("version.tar");
    Keyring keys = Keyring.create(temp.resolve("keys.json"));
    BackupSummary summary;
    try (var registry = open(keys)) {
      ModelVersion version = registry.registration("m", model).register();
      registry.documents(version).attach("bias", SECRET.getBytes(UTF_8), "text/plain");
      registry.archive().export(version, archive);
      registry.emptyCache();
      summary = registry.archive().backup(backup);
    }
    Keyring others = Keyring.create(temp.resolve("other-keys.json"));
    try (var target = open("target-cache", "target-store", others)) {
      assertThat(target.archive().restore(backup)).isEqualTo(summary);
      assertThat(target.archive().importFrom(archive).number()).isEqualTo(2);
      target.emptyCache();
      assertThat(target.version("m", 1).folder().resolve("weights.bin")).hasContent(SECRET);
      assertThat(target.verify().problems()).isEmpty();
    }

    assertThat(filesWithTheSecret())
        .as("archives and backups are plain, as they say")
        .containsExactlyInAnyOrder(model.resolve("weights.bin"), backup, archive);
  }

  private ModelRegistry open(Keyring keyring) {
    return open("cache", "store", keyring);
  }

  private ModelRegistry open(String cache, String store, Keyring keyring) {
    return ModelRegistry.in(temp.resolve(cache))
        .blobs(EncryptedBlobs.over(new FolderBlobs(temp.resolve(store)), keyring, temp))
        .temporaryCache()
        .open();
  }

  private List<Path> filesWithTheSecret() throws IOException {
    try (Stream<Path> files = Files.walk(temp)) {
      List<Path> all = files.filter(Files::isRegularFile).toList();
      assertThat(all).hasSizeGreaterThanOrEqualTo(4);
      return all.stream().filter(EncryptedRegistryTest::showsTheSecret).toList();
    }
  }

  private static boolean showsTheSecret(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).contains(SECRET);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
