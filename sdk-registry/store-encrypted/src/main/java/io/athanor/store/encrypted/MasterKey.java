package io.athanor.store.encrypted;

import com.google.crypto.tink.subtle.AesGcmJce;
import io.athanor.api.error.FormatException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;

/**
 * What a keyring's keys are encrypted with. Implement it with the two calls that every key
 * management service has, so that the master key never leaves the service. Implementations are
 * thread-safe.
 */
public interface MasterKey {
  /** Encrypts a keyring's keys. */
  byte[] wrap(byte[] keys);

  /**
   * Decrypts what {@link #wrap} gave.
   *
   * @throws FormatException if these bytes were changed, or wrapped with another key
   */
  byte[] unwrap(byte[] wrapped);

  /**
   * Makes a file with a new key of 256 bits that only its owner may read.
   *
   * @throws io.athanor.api.error.ConflictException if the file is there already
   * @throws io.athanor.api.error.StorageException if it cannot be written
   */
  static MasterKey create(Path file) {
    byte[] key = new byte[LocalKey.BYTES];
    new SecureRandom().nextBytes(key);
    SecretFile.create(file, key);
    return new LocalKey(file, key);
  }

  /**
   * Reads the key that {@link #create} wrote.
   *
   * @throws FormatException if it is not such a file
   * @throws io.athanor.api.error.StorageException if it cannot be read, or others may read it, too
   */
  static MasterKey of(Path file) {
    byte[] key = SecretFile.read(file);
    if (key.length != LocalKey.BYTES) {
      throw new FormatException(
          file.toString(), "expected a key of " + LocalKey.BYTES + " bytes, got " + key.length);
    }
    return new LocalKey(file, key);
  }

  /** A key in memory, used with AES-256-GCM. */
  final class LocalKey implements MasterKey {
    private static final int BYTES = 32;
    private static final byte[] CONTEXT = {};

    private final Path file;
    private final AesGcmJce cipher;

    private LocalKey(Path file, byte[] key) {
      this.file = file;
      try {
        this.cipher = new AesGcmJce(key);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("Every Java platform has AES-GCM", e);
      }
    }

    @Override
    public byte[] wrap(byte[] keys) {
      try {
        return cipher.encrypt(keys, CONTEXT);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("AES-GCM encrypts everything that fits memory", e);
      }
    }

    @Override
    public byte[] unwrap(byte[] wrapped) {
      try {
        return cipher.decrypt(wrapped, CONTEXT);
      } catch (GeneralSecurityException e) {
        throw new FormatException(
            file.toString(), "not the master key of this keyring, or the keyring was changed", e);
      }
    }
  }
}
