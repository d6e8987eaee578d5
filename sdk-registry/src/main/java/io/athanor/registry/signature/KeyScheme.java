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

/** How a key signs: the algorithm follows from the key. */
final class KeyScheme {
  private KeyScheme() {}

  private static String algorithm(Key key) {
    if (key instanceof ECKey curve) {
      switch (curve.getParams().getCurve().getField().getFieldSize()) {
        case 256:
          return "SHA256withECDSA";
        case 384:
          return "SHA384withECDSA";
        case 521:
          return "SHA512withECDSA";
        default:
          break;
      }
    }
    if (key instanceof EdECKey edwards && edwards.getParams().getName().equals("Ed25519")) {
      return "Ed25519";
    }
    throw new UnsupportedException(
        "signatures with a key of the kind " + key.getAlgorithm(),
        "Use a key of ECDSA on P-256, P-384 or P-521, or of Ed25519");
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
