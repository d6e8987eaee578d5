package io.athanor.store.encrypted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyringTest {
  @TempDir private Path temp;
  private Path file;

  @BeforeEach
  void name() {
    file = temp.resolve("keys.json");
  }

  @Test
  void isReadBackWithItsMasterKey() throws IOException {
    MasterKey master = MasterKey.create(temp.resolve("master.key"));
    Keyring written = Keyring.create(file, master);
    written.rotate();

    Keyring read = Keyring.open(file, MasterKey.of(temp.resolve("master.key")));

    assertThat(read.size()).isEqualTo(2);
    assertThat(read.primary()).isEqualTo(written.primary());
    assertThat(Files.readString(file)).contains("encryptedKeyset").doesNotContain("keyData");
  }

  @Test
  void refusesAnotherMasterKey() {
    Keyring.create(file, MasterKey.create(temp.resolve("master.key")));
    MasterKey other = MasterKey.create(temp.resolve("other.key"));

    assertThatThrownBy(() -> Keyring.open(file, other))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("other.key: not the master key of this keyring");
    assertThatThrownBy(() -> Keyring.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("keys.json: not a keyring, damaged, or encrypted");
  }

  @Test
  void asksAKeyServiceAndGivesItNothingElse() {
    AtomicInteger wrapped = new AtomicInteger();
    AtomicInteger unwrapped = new AtomicInteger();
    MasterKey local = MasterKey.create(temp.resolve("master.key"));
    MasterKey service =
        new MasterKey() {
          @Override
          public byte[] wrap(byte[] keys) {
            wrapped.incrementAndGet();
            return local.wrap(keys);
          }

          @Override
          public byte[] unwrap(byte[] keys) {
            unwrapped.incrementAndGet();
            return local.unwrap(keys);
          }
        };

    Keyring.create(file, service);
    Keyring.open(file, service).rotate();

    assertThat(wrapped).hasValueGreaterThanOrEqualTo(2);
    assertThat(unwrapped).hasValueGreaterThanOrEqualTo(2);
    assertThat(Keyring.open(file, local).size()).isEqualTo(2);
  }

  @Test
  void onlyItsOwnerMayReadIt() throws IOException {
    assumeThat(FileSystems.getDefault().supportedFileAttributeViews()).contains("posix");
    Keyring keyring = Keyring.create(file);
    keyring.rotate();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");

    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));

    assertThatThrownBy(() -> Keyring.open(file))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("others than its owner may read or change it")
        .hasMessageContaining("rw-------");
  }

  @Test
  void isNeverOverwrittenByANewOne() throws IOException {
    Keyring.create(file);
    byte[] before = Files.readAllBytes(file);

    assertThatThrownBy(() -> Keyring.create(file))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("expected no such file, and there is one");
    assertThat(file).hasBinaryContent(before);
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Keyring.create(file);
    String text = Files.readString(file);

    for (String damaged : new String[] {"", "{}", text.substring(0, text.length() / 2), "null"}) {
      Files.writeString(file, damaged);
      assertThatThrownBy(() -> Keyring.open(file))
          .as(damaged)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("keys.json: not a keyring, damaged");
    }
    Path shortKey = temp.resolve("short.key");
    MasterKey.create(shortKey);
    Files.write(shortKey, new byte[5]);
    assertThatThrownBy(() -> MasterKey.of(shortKey))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a key of 32 bytes, got 5");
    assertThatThrownBy(() -> Keyring.open(temp.resolve("absent")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("absent: cannot be read");
  }

  @Test
  void losesNoKeyWhenSeveralRotate() throws Exception {
    Keyring.create(file);
    int each = 5;
    int rivals = 3;
    ExecutorService pool = Executors.newFixedThreadPool(rivals);
    try {
      Future<?>[] all = new Future<?>[rivals];
      for (int i = 0; i < all.length; i++) {
        Keyring own = Keyring.open(file);
        all[i] = pool.submit(() -> rotate(own, each));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      pool.shutdown();
    }
    assertThat(Keyring.open(file).size()).isEqualTo(1 + rivals * each);
  }

  private static void rotate(Keyring keyring, int times) {
    for (int done = 0; done < times; ) {
      try {
        keyring.rotate();
        done++;
      } catch (ConflictException e) {
        assertThat(e.retryable()).isTrue();
      }
    }
  }

  @Test
  void showsNoKeys() {
    Keyring keyring = Keyring.create(file);

    assertThat(keyring).hasToString(file + " with 1 keys");
  }
}
