package io.athanor.registry.signature;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Manifest;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * A signature over the files of a version: a Sigstore bundle with a DSSE envelope around an in-toto
 * statement, as OpenSSF's model signing 1.x writes it.
 *
 * @see <a href="https://github.com/ossf/model-signing-spec">OpenSSF model signing</a>
 * @see <a href="https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md">DSSE</a>
 */
public final class SignatureBundle {
  /** What such a text is. */
  public static final String MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

  private static final String PAYLOAD_TYPE = "application/vnd.in-toto+json";
  private static final int MOST_SIGNATURES = 10;

  private final String source;
  private final Optional<String> hint;
  private final byte[] payload;
  private final List<byte[]> seals;
  private final Statement statement;

  private SignatureBundle(String source, String text) {
    this.source = source;
    JsonFields json = JsonFields.parse(source, text);
    require(json, "mediaType", MEDIA_TYPE);
    JsonFields material = json.object("verificationMaterial");
    if (!material.has("publicKey")) {
      throw json.fail(
          "signed with a certificate; only signatures with a key pair can be checked here");
    }
    JsonFields key = material.object("publicKey");
    this.hint =
        key.has("hint")
            ? Optional.ofNullable(key.textOrNull("hint")).filter(name -> !name.isEmpty())
            : Optional.empty();
    JsonFields envelope = json.object("dsseEnvelope");
    require(envelope, "payloadType", PAYLOAD_TYPE);
    this.payload = base64(envelope, "payload");
    this.seals = envelope.objects("signatures", MOST_SIGNATURES, one -> base64(one, "sig"));
    this.statement = Statement.read(source + ", payload", payload);
  }

  private static void require(JsonFields json, String field, String expected) {
    String value = json.text(field);
    if (!value.equals(expected)) {
      throw json.fail("'" + field + "' must be " + expected + ", got '" + value + "'");
    }
  }

  private static byte[] base64(JsonFields json, String field) {
    try {
      return Base64.getDecoder().decode(json.text(field));
    } catch (IllegalArgumentException e) {
      throw json.fail("'" + field + "' is not Base64: " + e.getMessage());
    }
  }

  /**
   * Signs files.
   *
   * @param name of the model
   * @return the bundle's JSON
   * @throws ValidationException if the keys are no pair
   * @throws io.athanor.api.error.UnsupportedException if the key is none of ECDSA or Ed25519
   */
  public static String sign(String name, Manifest manifest, KeyPair keys) {
    byte[] payload = Statement.write(name, manifest);
    byte[] message = message(payload);
    byte[] seal = KeyScheme.sign(keys.getPrivate(), message);
    if (!KeyScheme.verifies(keys.getPublic(), message, seal)) {
      throw new ValidationException(
          "key pair", List.of("the public key does not belong to the private one"));
    }
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("mediaType", MEDIA_TYPE);
    ObjectNode material = json.putObject("verificationMaterial");
    material.putObject("publicKey").put("hint", PemKeys.fingerprint(keys.getPublic()));
    material.putArray("tlogEntries");
    ObjectNode envelope = json.putObject("dsseEnvelope");
    envelope.put("payload", Base64.getEncoder().encodeToString(payload));
    envelope.put("payloadType", PAYLOAD_TYPE);
    envelope
        .putArray("signatures")
        .addObject()
        .put("sig", Base64.getEncoder().encodeToString(seal))
        .put("keyid", "");
    return json.toString();
  }

  /** What is really signed, so that nobody can take the payload for something else. */
  private static byte[] message(byte[] payload) {
    byte[] head =
        ("DSSEv1 " + PAYLOAD_TYPE.length() + " " + PAYLOAD_TYPE + " " + payload.length + " ")
            .getBytes(StandardCharsets.UTF_8);
    byte[] message = new byte[head.length + payload.length];
    System.arraycopy(head, 0, message, 0, head.length);
    System.arraycopy(payload, 0, message, head.length, payload.length);
    return message;
  }

  /**
   * Reads a bundle; its signature is not checked yet.
   *
   * @param source named in errors
   * @throws FormatException if it is none, or none with a key
   */
  public static SignatureBundle read(String source, String text) {
    return new SignatureBundle(source, text);
  }

  /**
   * Why the bundle is no good signature of a key over files; empty if it is one.
   *
   * @throws io.athanor.api.error.UnsupportedException if the key is none of ECDSA or Ed25519
   */
  public List<String> problems(PublicKey key, Manifest manifest) {
    if (hint.isPresent() && !hint.get().equals(PemKeys.fingerprint(key))) {
      return List.of(
          source + " was made with the key " + brief(hint.get()) + ", not " + PemKeys.brief(key));
    }
    byte[] message = message(payload);
    if (seals.stream().noneMatch(seal -> KeyScheme.verifies(key, message, seal))) {
      return List.of(source + " was not made with the key " + PemKeys.brief(key));
    }
    return differences(manifest);
  }

  /** How files differ from those that were signed, a sentence each. */
  public List<String> differences(Manifest manifest) {
    return statement.differences(manifest);
  }

  /** Those of the files that the signer chose not to sign. */
  public List<String> unsigned(Manifest manifest) {
    return statement.unsigned(manifest);
  }

  /** The fingerprint of the key that the signer names. */
  public Optional<String> key() {
    return hint;
  }

  private static String brief(String fingerprint) {
    return fingerprint.length() > 12 ? fingerprint.substring(0, 12) : fingerprint;
  }
}
