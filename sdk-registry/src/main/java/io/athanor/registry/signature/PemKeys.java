package io.athanor.registry.signature;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Reads keys from PEM files: private ones in PKCS 8, public ones in X.509. */
public final class PemKeys {
  private static final int MOST_BYTES = 1 << 16;
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");
  private static final String PRIVATE = "PRIVATE KEY";
  private static final String ENCRYPTED = "ENCRYPTED PRIVATE KEY";
  private static final String PUBLIC = "PUBLIC KEY";
  private static final List<String> ALGORITHMS = List.of("EC", "Ed25519");

  private PemKeys() {}

  /**
   * The content of a PEM file.
   *
   * @param base64 may be broken into lines
   */
  private record Block(String type, String base64) {
    byte[] content() {
      return Base64.getMimeDecoder().decode(base64);
    }
  }

  /**
   * Reads a private key.
   *
   * @throws FormatException if the file holds none, or an encrypted one
   * @throws StorageException if it cannot be read
   */
  public static PrivateKey privateKey(Path file) {
    Block block = read(file.toString(), text(file));
    if (block.type().equals(ENCRYPTED)) {
      throw new FormatException(
          file.toString(), "the key is encrypted; read it with privateKey(file, password)");
    }
    require(file.toString(), block, PRIVATE);
    return privateKey(file, new PKCS8EncodedKeySpec(block.content()));
  }

  /**
   * Reads an encrypted private key.
   *
   * @throws FormatException if the file holds none, or the password is wrong
   * @throws StorageException if it cannot be read
   */
  public static PrivateKey privateKey(Path file, Secret password) {
    Block block = read(file.toString(), text(file));
    require(file.toString(), block, ENCRYPTED);
    PBEKeySpec given = new PBEKeySpec(password.reveal().toCharArray());
    try {
      EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(block.content());
      AlgorithmParameters parameters = info.getAlgParameters();
      // For PBES2 only the parameters' text names the algorithm that factories know.
      String algorithm =
          info.getAlgName().equals("PBES2") ? parameters.toString() : info.getAlgName();
      Cipher cipher = Cipher.getInstance(algorithm);
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(algorithm).generateSecret(given),
          parameters);
      return privateKey(file, info.getKeySpec(cipher));
    } catch (IOException | GeneralSecurityException e) {
      throw new FormatException(
          file.toString(),
          "cannot be decrypted (" + e.getMessage() + "). Is the password the right one?",
          e);
    } finally {
      given.clearPassword();
    }
  }

  private static PrivateKey privateKey(Path file, PKCS8EncodedKeySpec spec) {
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(spec);
      } catch (GeneralSecurityException e) {
        // It may be a key of the next algorithm.
      }
    }
    throw unknown(file.toString());
  }

  /**
   * Reads a public key.
   *
   * @throws FormatException if the file holds none
   * @throws StorageException if it cannot be read
   */
  public static PublicKey publicKey(Path file) {
    return publicKey(file.toString(), text(file));
  }

  /**
   * Reads a public key from a text.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if it holds none
   */
  public static PublicKey publicKey(String source, String pem) {
    Block block = read(source, pem);
    require(source, block, PUBLIC);
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm)
            .generatePublic(new X509EncodedKeySpec(block.content()));
      } catch (GeneralSecurityException e) {
        // It may be a key of the next algorithm.
      }
    }
    throw unknown(source);
  }

  /**
   * Writes a public key as {@link #publicKey(String, String)} reads it.
   *
   * @throws io.athanor.api.error.UnsupportedException if it is none of ECDSA on P-256, P-384 or
   *     P-521, or of Ed25519
   */
  public static String text(PublicKey key) {
    KeyScheme.requireKnown(key);
    return pem(key);
  }

  /**
   * Names a public key as signatures do: the SHA-256 of its PEM text, in hexadecimal digits.
   *
   * @throws IllegalArgumentException if the key cannot be written
   */
  public static String fingerprint(PublicKey key) {
    return Digest.ofText(pem(key)).hex();
  }

  /** The beginning of the fingerprint, for people. */
  public static String brief(PublicKey key) {
    return fingerprint(key).substring(0, 12);
  }

  private static String pem(PublicKey key) {
    byte[] encoded =
        Optional.ofNullable(key.getEncoded())
            .orElseThrow(() -> new IllegalArgumentException("key must have an encoding"));
    return "-----BEGIN PUBLIC KEY-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded)
        + "\n-----END PUBLIC KEY-----\n";
  }

  private static String text(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(MOST_BYTES), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static Block read(String source, String text) {
    Matcher block = BLOCK.matcher(text);
    if (!block.find()) {
      throw new FormatException(
          source, "no PEM block; expected '-----BEGIN PRIVATE KEY-----' or one like it");
    }
    Block read = new Block(block.group(1), block.group(2));
    try {
      read.content();
    } catch (IllegalArgumentException e) {
      throw new FormatException(source, "not Base64: " + e.getMessage(), e);
    }
    return read;
  }

  private static void require(String source, Block block, String type) {
    if (!block.type().equals(type)) {
      throw new FormatException(
          source,
          "expected a block of type "
              + type
              + ", got "
              + block.type()
              + ". OpenSSL makes one: 'openssl pkcs8 -topk8' for private keys, 'openssl pkey -pubout'"
              + " for public ones");
    }
  }

  private static FormatException unknown(String source) {
    return new FormatException(source, "not a key of ECDSA or Ed25519; expected one of these");
  }
}
