package io.athanor.registry.signature;

import io.athanor.api.error.UnsupportedException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.ECKey;
import java.security.interfaces.EdECKey;
import java.util.Map;
import java.util.Optional;

/** How a key signs: the algorithm follows from the key. */
final class KeyScheme {
  private KeyScheme() {}

  private static String algorithm(Key key) {
    if (key instanceof ECKey curve) {
      int bits = curve.getParams().getCurve().getField().getFieldSize();
      Optional<String> hash =
          Optional.ofNullable(Map.of(256, "SHA256", 384, "SHA384", 521, "SHA512").get(bits));
      if (hash.isPresent()) {
        return hash.get() + "withECDSA";
      }
    }
    if (key instanceof EdECKey edwards && edwards.getParams().getName().equals("Ed25519")) {
      return "Ed25519";
    }
    throw new UnsupportedException(
        "signatures with a key of the kind " + key.getAlgorithm(),
        "Use a key of ECDSA on P-256, P-384 or P-521, or of Ed25519");
  }

  /** Fails if it is a key of another kind. */
  static void requireKnown(Key key) {
    algorithm(key);
  }

  static byte[] sign(PrivateKey key, byte[] message) {
    String algorithm = algorithm(key);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(message);
      return signature.sign();
    } catch (NoSuchAlgorithmException | InvalidKeyException | SignatureException e) {
      throw new UnsupportedException(
          "signing with this key (" + e.getMessage() + ")", "Use a key this Java can work with");
    }
  }

  /** Whether a signature is one of the key over the message. */
  static boolean verifies(PublicKey key, byte[] message, byte[] sealed) {
    String algorithm = algorithm(key);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initVerify(key);
      signature.update(message);
      return signature.verify(sealed);
    } catch (SignatureException e) {
      return false;
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new UnsupportedException(
          "checking with this key (" + e.getMessage() + ")", "Use a key this Java can work with");
    }
  }
}
