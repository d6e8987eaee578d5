package io.athanor.store.encrypted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.registry.BlobStore;
import io.athanor.registry.blob.FolderBlobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What others see, what damage does, and new keys. */
class EncryptionTest {
  private static final int MEBI = 1 << 20;

  @TempDir private Path temp;
  private Path scratch;
  private BlobStore folder;
  private Keyring keyring;
  private EncryptedBlobs store;

  @BeforeEach
  void open() throws IOException {
    scratch = Files.createDirectory(temp.resolve("scratch"));
    folder = new FolderBlobs(temp.resolve("store"));
    keyring = Keyring.create(temp.resolve("keys.json"));
    store = EncryptedBlobs.over(folder, keyring, scratch);
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(Files.createTempFile(temp, "plain", ""), content);
  }

  private Digest put(byte[] content) throws IOException {
    Digest name = Digest.of(content);
    store.put(name, file(content));
    return name;
  }

  private byte[] get(Digest name) throws IOException {
    Path target = temp.resolve("target");
    store.get(name, target);
    return Files.readAllBytes(target);
  }

  /** Replaces what the folder has under a name. */
  private void tamper(Digest name, byte[] content) throws IOException {
    folder.put(name, file(content));
  }

  private byte[] encrypted(Digest name) throws IOException {
    Path target = temp.resolve("encrypted");
    folder.get(name, target);
    return Files.readAllBytes(target);
  }

  private void isRefused(Digest name, String what) {
    Path target = temp.resolve("refused");
    assertThatThrownBy(() -> store.get(name, target))
        .as(what)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("content " + name);
    assertThat(target).doesNotExist();
  }

  @Test
  void nothingPlainReachesTheStore() throws IOException {
    String secret = "the weights of our best model ";
    Digest name = put(secret.repeat(1000).getBytes(StandardCharsets.UTF_8));

    String stored = new String(encrypted(name), StandardCharsets.ISO_8859_1);

    assertThat(stored).doesNotContain("weights").doesNotContain("model");
    assertThat(get(name)).asString().startsWith(secret);
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void theSameContentIsNeverEncryptedTheSame() throws IOException {
    byte[] content = new byte[1000];
    Digest name = put(content);
    byte[] first = encrypted(name);
    put(content);

    assertThat(encrypted(name)).hasSameSizeAs(first).isNotEqualTo(first);
  }

  @Test
  void refusesEveryKindOfDamage() throws IOException {
    byte[] content = new byte[2 * MEBI + 100];
    new Random(5).nextBytes(content);
    Digest name = put(content);
    byte[] sound = encrypted(name);
    int[] positions = {0, 9, 12, 13, 40, 60, sound.length / 2, sound.length - 1};
    for (int position : positions) {
      byte[] flipped = sound.clone();
      flipped[position] ^= 1;
      tamper(name, flipped);
      isRefused(name, "flipped at " + position);
    }
    for (int length : new int[] {0, 5, 12, 30, 60, MEBI, 2 * MEBI, sound.length - 1}) {
      tamper(name, Arrays.copyOf(sound, length));
      isRefused(name, "cut after " + length);
    }
    tamper(name, Arrays.copyOf(sound, sound.length + 1));
    isRefused(name, "one byte more");
    tamper(name, content);
    isRefused(name, "plain");

    tamper(name, sound);
    assertThat(get(name)).isEqualTo(content);
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void refusesAContentUnderAnotherName() throws IOException {
    Digest name = put("one".getBytes(StandardCharsets.UTF_8));
    Digest other = put("two".getBytes(StandardCharsets.UTF_8));

    tamper(other, encrypted(name));

    isRefused(other, "another's content");
  }

  @Test
  void saysThatTheKeyIsNotThere() throws IOException {
    Digest name = put("content".getBytes(StandardCharsets.UTF_8));
    Keyring stranger = Keyring.create(temp.resolve("other-keys.json"));
    EncryptedBlobs other = EncryptedBlobs.over(folder, stranger, scratch);

    assertThatThrownBy(() -> other.get(name, temp.resolve("target")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("which the keyring")
        .hasMessageContaining("other-keys.json")
        .hasMessageContaining("Use the keyring it was stored with");
  }

  @Test
  void oldContentsStayReadableWithANewKeyAndAreEncryptedAnewOnRequest() throws IOException {
    List<Digest> names = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      names.add(put(("content " + i).getBytes(StandardCharsets.UTF_8)));
    }
    byte[] before = encrypted(names.get(0));

    keyring.rotate();
    names.add(put("newer content".getBytes(StandardCharsets.UTF_8)));

    assertThat(get(names.get(0))).asString().isEqualTo("content 0");
    assertThat(store.reencrypt()).isEqualTo(3);
    assertThat(encrypted(names.get(0))).isNotEqualTo(before);
    assertThat(store.reencrypt()).isZero();

    keyring.retireOldKeys();
    assertThat(keyring.size()).isEqualTo(1);
    for (int i = 0; i < 3; i++) {
      assertThat(get(names.get(i))).asString().isEqualTo("content " + i);
    }
    tamper(names.get(0), before);
    isRefused(names.get(0), "encrypted with a key that is gone");
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void learnsOfKeysThatAnotherProcessAdded() throws IOException {
    Keyring second = Keyring.open(temp.resolve("keys.json"));
    second.rotate();
    byte[] content = "of the other process".getBytes(StandardCharsets.UTF_8);
    Digest name = Digest.of(content);
    EncryptedBlobs.over(folder, second, scratch).put(name, file(content));

    assertThat(keyring.size()).isEqualTo(1);
    assertThat(get(name)).isEqualTo(content);
    assertThat(keyring.size()).isEqualTo(2);
  }

  @Test
  void whatKilledProcessesLeftIsRemoved() throws IOException {
    Path left = Files.createFile(scratch.resolve("athanor-encrypted-123.tmp"));
    Files.setLastModifiedTime(left, FileTime.fromMillis(0));
    Path foreign = Files.createFile(scratch.resolve("foreign"));

    assertThat(store.removeStale(Instant.now())).isEqualTo(1);

    try (Stream<Path> files = Files.list(scratch)) {
      assertThat(files).containsExactly(foreign);
    }
  }
}
