package io.athanor.store.encrypted;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.registry.ModelRegistry;
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

  private ModelRegistry open(Keyring keyring) {
    return ModelRegistry.in(temp.resolve("cache"))
        .blobs(EncryptedBlobs.over(new FolderBlobs(temp.resolve("store")), keyring, temp))
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
