package io.athanor.store.encrypted;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.StreamingAead;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.streamingaead.PredefinedStreamingAeadParameters;
import com.google.crypto.tink.streamingaead.StreamingAeadConfig;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The keys that contents are encrypted with, in a file: one is used for new contents, the others
 * only for reading. Without the file the contents are lost; keep a copy of it elsewhere.
 * Thread-safe, and several processes may have it open: one that meets a content encrypted with a
 * key it does not know reads the file again.
 *
 * <p>The file is a keyset of Google's Tink in JSON. Its keys are encrypted with a {@link
 * MasterKey}, or, without one, protected only by the file's permissions.
 */
public final class Keyring {
  private static final byte[] CONTEXT = "athanor keyring".getBytes(StandardCharsets.UTF_8);

  private final Path file;
  private final Optional<MasterKey> master;
  private volatile KeysetHandle keys;

  private Keyring(Path file, Optional<MasterKey> master, KeysetHandle keys) {
    this.file = file;
    this.master = master;
    this.keys = keys;
  }

  /**
   * Makes a keyring with one new key, encrypted with a master key.
   *
   * @throws ConflictException if the file is there already
   * @throws StorageException if it cannot be written
   */
  public static Keyring create(Path file, MasterKey master) {
    return create(file, Optional.of(master));
  }

  /** Makes a keyring that only the permissions of its file protect. */
  public static Keyring create(Path file) {
    return create(file, Optional.empty());
  }

  private static Keyring create(Path file, Optional<MasterKey> master) {
    Keyring keyring = new Keyring(file, master, withNewKey(KeysetHandle.newBuilder()));
    SecretFile.create(file, keyring.write());
    return keyring;
  }

  /**
   * Opens a keyring.
   *
   * @throws StorageException if the file cannot be read, or others than its owner may
   * @throws FormatException if it is no keyring, was changed, or has another master key
   */
  public static Keyring open(Path file, MasterKey master) {
    return new Keyring(file, Optional.of(master), read(file, Optional.of(master)));
  }

  /** Opens a keyring that only the permissions of its file protect. */
  public static Keyring open(Path file) {
    return new Keyring(file, Optional.empty(), read(file, Optional.empty()));
  }

  /** How many keys there are. */
  public int size() {
    return keys.size();
  }

  /**
   * Adds a new key, with which contents are encrypted from now on. What there is stays readable;
   * {@link EncryptedBlobs#reencrypt} encrypts it anew.
   */
  public void rotate() {
    change(current -> withNewKey(KeysetHandle.newBuilder(current)));
  }

  /**
   * Removes every key but the newest. What is encrypted with the others can never be read again;
   * call {@link EncryptedBlobs#reencrypt} first, for every store, and let it end.
   */
  public void retireOldKeys() {
    change(
        current ->
            built(
                KeysetHandle.newBuilder()
                    .addEntry(
                        KeysetHandle.importKey(current.getPrimary().getKey())
                            .withFixedId(current.getPrimary().getId())
                            .makePrimary())));
  }

  private static KeysetHandle withNewKey(KeysetHandle.Builder builder) {
    return built(
        builder.addEntry(
            KeysetHandle.generateEntryFromParameters(
                    PredefinedStreamingAeadParameters.AES256_GCM_HKDF_1MB)
                .withRandomId()
                .makePrimary()));
  }

  private static KeysetHandle built(KeysetHandle.Builder builder) {
    try {
      StreamingAeadConfig.register();
      return builder.build();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Keys of a fixed kind can always be made", e);
    }
  }

  /** Alone among all processes, and based on what the last of them wrote. */
  private synchronized void change(UnaryOperator<KeysetHandle> change) {
    Path lock = file.resolveSibling(file.getFileName() + ".lock");
    try (FileChannel channel =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      keys = change.apply(read(file, master));
      SecretFile.replace(file, write());
      held.release();
    } catch (OverlappingFileLockException e) {
      throw new ConflictException(file + " is being changed elsewhere in this process", true);
    } catch (IOException e) {
      throw new StorageException(lock.toString(), "cannot be locked (" + e + ")", e);
    }
  }

  private byte[] write() {
    try {
      String text =
          master.isPresent()
              ? TinkJsonProtoKeysetFormat.serializeEncryptedKeyset(
                  keys, new Wrapping(master.get()), CONTEXT)
              : TinkJsonProtoKeysetFormat.serializeKeyset(keys, InsecureSecretKeyAccess.get());
      return text.getBytes(StandardCharsets.UTF_8);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("A keyset can always be written", e);
    }
  }

  private static KeysetHandle read(Path file, Optional<MasterKey> master) {
    String text = new String(SecretFile.read(file), StandardCharsets.UTF_8);
    try {
      StreamingAeadConfig.register();
      return master.isPresent()
          ? TinkJsonProtoKeysetFormat.parseEncryptedKeyset(
              text, new Wrapping(master.get()), CONTEXT)
          : TinkJsonProtoKeysetFormat.parseKeyset(text, InsecureSecretKeyAccess.get());
    } catch (GeneralSecurityException e) {
      throw new FormatException(
          file.toString(),
          "not a keyring, damaged, or "
              + (master.isPresent() ? "not encrypted" : "encrypted")
              + " with a master key. Restore it from a copy, or open it the way it was made",
          e);
    }
  }

  /** The key for new contents, by its number. */
  int primary() {
    return keys.getPrimary().getId();
  }

  /** A cipher that encrypts with the primary key, and the number of that key. */
  Cipher cipher() {
    KeysetHandle now = keys;
    return new Cipher(streaming(now), now.getPrimary().getId());
  }

  /**
   * A cipher that knows a key.
   *
   * @return empty if the file does not have it either
   */
  Optional<Cipher> cipher(int key) {
    if (!knows(keys, key)) {
      synchronized (this) {
        keys = read(file, master);
      }
    }
    KeysetHandle now = keys;
    return knows(now, key) ? Optional.of(new Cipher(streaming(now), key)) : Optional.empty();
  }

  /** A cipher and the number of the key to speak of. */
  record Cipher(StreamingAead aead, int key) {}

  private static boolean knows(KeysetHandle keys, int key) {
    for (int i = 0; i < keys.size(); i++) {
      if (keys.getAt(i).getId() == key) {
        return true;
      }
    }
    return false;
  }

  private static StreamingAead streaming(KeysetHandle keys) {
    try {
      return keys.getPrimitive(RegistryConfiguration.get(), StreamingAead.class);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Keys of a fixed kind have a cipher", e);
    }
  }

  /** Names the file; no keys. */
  @Override
  public String toString() {
    return file + " with " + keys.size() + " keys";
  }

  /** A master key as Tink sees it. */
  private record Wrapping(MasterKey master) implements Aead {
    @Override
    public byte[] encrypt(byte[] plaintext, byte[] context) {
      return master.wrap(plaintext);
    }

    @Override
    public byte[] decrypt(byte[] ciphertext, byte[] context) {
      return master.unwrap(ciphertext);
    }
  }
}
