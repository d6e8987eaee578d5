package io.athanor.store.encrypted;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Contents encrypted before they reach another store, with AES-256-GCM in segments of 1 MiB (Tink's
 * AES256_GCM_HKDF_1MB). Every content has a key of its own, derived from the keyring's and a random
 * salt, and is bound to its name: one that was changed, cut, or put under another name is refused.
 * Thread-safe.
 *
 * <p>What whoever can read the store behind still sees: how many contents there are, how long they
 * are, when they were put, and their names. A name is the SHA-256 of the plain content, so that
 * garbage can be told from what is used without keys; it tells nothing of a content that one does
 * not have, and lets somebody who has the same file recognise it.
 *
 * <p>Nothing plain is written but the targets of {@link #get}: with a registry, the folder it was
 * opened in, which holds plain files; see {@code temporaryCache()} there. Encryption is different
 * each time, so an interrupted upload to the store behind begins anew.
 */
public final class EncryptedBlobs implements BlobStore {
  private static final Logger LOG = LoggerFactory.getLogger(EncryptedBlobs.class);
  private static final byte[] MAGIC = "ATHBLOB1".getBytes(StandardCharsets.US_ASCII);
  private static final int HEADER = MAGIC.length + Integer.BYTES;
  private static final String SCRATCH = "athanor-encrypted-";

  private final BlobStore store;
  private final Keyring keyring;
  private final Path scratch;

  private EncryptedBlobs(BlobStore store, Keyring keyring, Path scratch) {
    this.store = store;
    this.keyring = keyring;
    this.scratch = scratch;
  }

  /**
   * Encrypts for a store; encrypted files wait in the system's folder for temporary files.
   *
   * @param store holds nothing that is not encrypted; closed with this
   */
  public static EncryptedBlobs over(BlobStore store, Keyring keyring) {
    return over(store, keyring, Path.of(System.getProperty("java.io.tmpdir")));
  }

  /**
   * Encrypts for a store.
   *
   * @param scratch an existing folder where encrypted files wait, with room for the largest content
   */
  public static EncryptedBlobs over(BlobStore store, Keyring keyring, Path scratch) {
    return new EncryptedBlobs(store, keyring, scratch);
  }

  @Override
  public void put(Digest name, Path file) {
    Path encrypted = newScratch();
    try (InputStream plain = open(file)) {
      encrypt(name, plain, encrypted);
      store.put(name, encrypted);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    } finally {
      delete(encrypted);
    }
  }

  private static InputStream open(Path file) {
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private void encrypt(Digest name, InputStream plain, Path target) {
    Keyring.Cipher cipher = keyring.cipher();
    byte[] header = header(cipher.key());
    AtomicFile.write(
        target,
        AtomicFile.streaming(
            out -> {
              out.write(header);
              try (OutputStream encrypting =
                  cipher.aead().newEncryptingStream(new Unclosed(out), bound(header, name))) {
                plain.transferTo(encrypting);
              } catch (GeneralSecurityException e) {
                throw new IllegalStateException("Every Java platform has AES-GCM", e);
              }
            }));
  }

  @Override
  public void get(Digest name, Path target) {
    Path encrypted = newScratch();
    try {
      store.get(name, encrypted);
      AtomicFile.write(
          target,
          AtomicFile.streaming(
              out -> {
                try (InputStream plain = decrypt(name, encrypted)) {
                  plain.transferTo(out);
                }
              }));
    } finally {
      delete(encrypted);
    }
  }

  /** Reads plain bytes; whatever is wrong with the encrypted ones is a {@link FormatException}. */
  private InputStream decrypt(Digest name, Path encrypted) throws IOException {
    InputStream in = Files.newInputStream(encrypted);
    boolean begun = false;
    try {
      byte[] header = in.readNBytes(HEADER);
      int key = key(name, header);
      Optional<Keyring.Cipher> cipher = keyring.cipher(key);
      if (cipher.isEmpty()) {
        throw new FormatException(
            place(name),
            "encrypted with key "
                + Integer.toUnsignedString(key)
                + ", which the keyring "
                + keyring
                + " does not have. Use the keyring it was stored with");
      }
      InputStream plain =
          new Decrypting(
              cipher.get().aead().newDecryptingStream(in, bound(header, name)), place(name));
      begun = true;
      return plain;
    } catch (GeneralSecurityException e) {
      throw new FormatException(place(name), "cannot be decrypted", e);
    } finally {
      if (!begun) {
        in.close();
      }
    }
  }

  private int key(Digest name, byte[] header) {
    if (header.length < HEADER || !Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new FormatException(
          place(name),
          "not encrypted by this library, or cut. Store plain contents again through this store");
    }
    return ByteBuffer.wrap(header).getInt(MAGIC.length);
  }

  private String place(Digest name) {
    return "content " + name + " in " + store;
  }

  private static byte[] header(int key) {
    return ByteBuffer.allocate(HEADER).put(MAGIC).putInt(key).array();
  }

  /** What the encryption is bound to, besides the content. */
  private static byte[] bound(byte[] header, Digest name) {
    byte[] digest = HexFormat.of().parseHex(name.hex());
    return ByteBuffer.allocate(header.length + digest.length).put(header).put(digest).array();
  }

  /**
   * Encrypts with the keyring's newest key everything that is encrypted with an older one. May be
   * interrupted and called again, and the store used meanwhile. Nothing plain is written.
   *
   * @return how many contents that were
   * @throws FormatException if one is damaged, or its key is not in the keyring
   */
  public int reencrypt() {
    int done = 0;
    for (Stored stored : store.list()) {
      if (reencrypt(stored.name())) {
        done++;
      }
    }
    return done;
  }

  private boolean reencrypt(Digest name) {
    Path old = newScratch();
    Path renewed = newScratch();
    try {
      store.get(name, old);
      if (isCurrent(name, old)) {
        return false;
      }
      try (InputStream plain = decrypt(name, old)) {
        encrypt(name, plain, renewed);
      }
      store.put(name, renewed);
      return true;
    } catch (NotFoundException e) {
      LOG.debug("{} has been deleted meanwhile", name);
      return false;
    } catch (IOException e) {
      throw new StorageException(old.toString(), "cannot be read (" + e + ")", e);
    } finally {
      delete(old);
      delete(renewed);
    }
  }

  private boolean isCurrent(Digest name, Path encrypted) throws IOException {
    try (InputStream in = Files.newInputStream(encrypted)) {
      return key(name, in.readNBytes(HEADER)) == keyring.primary();
    }
  }

  @Override
  public boolean has(Digest name) {
    return store.has(name);
  }

  @Override
  public void delete(Digest name) {
    store.delete(name);
  }

  /** Sizes are those of the encrypted contents. */
  @Override
  public List<Stored> list() {
    return store.list();
  }

  @Override
  public int removeStale(Instant before) {
    int removed = store.removeStale(before);
    try (var files = Files.newDirectoryStream(scratch, SCRATCH + "*")) {
      for (Path file : files) {
        if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
          Files.deleteIfExists(file);
          removed++;
        }
      }
    } catch (IOException e) {
      throw new StorageException(scratch.toString(), "cannot be cleared (" + e + ")", e);
    }
    return removed;
  }

  private Path newScratch() {
    try {
      return Files.createTempFile(scratch, SCRATCH, ".tmp");
    } catch (IOException e) {
      throw new StorageException(
          scratch.toString(),
          "cannot be written (" + e + "). Name an existing folder with enough space",
          e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.debug("{} stays until removeStale()", file, e);
    }
  }

  @Override
  public String toString() {
    return store + ", encrypted";
  }

  @Override
  public void close() {
    store.close();
  }
}
