package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.governance.Document;
import io.athanor.registry.signature.PemKeys;
import io.athanor.registry.signature.SignatureCheck;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signatures over versions, ours and those of OpenSSF's Python package. */
class SignatureTest {
  @TempDir private Path temp;
  private ModelRegistry registry;
  private ModelVersion version;

  @BeforeEach
  void open() {
    registry = ModelRegistry.open(temp.resolve("registry"));
    version = registry.registration("m", TestModels.folder(temp, "weights")).register();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private static KeyPair pair(String curve) throws GeneralSecurityException {
    if (curve.equals("Ed25519")) {
      return KeyPairGenerator.getInstance(curve).generateKeyPair();
    }
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  /** A file that regenerate.py made. */
  private Path fixture(String name) throws IOException {
    Path file = temp.resolve(name);
    try (InputStream in =
        Objects.requireNonNull(SignatureTest.class.getResourceAsStream("signature/" + name))) {
      Files.write(file, in.readAllBytes());
    }
    return file;
  }

  private SignatureCheck check(PublicKey key) {
    return registry.signatures().verify(version, key);
  }

  private void assertInvalid(SignatureCheck check, String reason) {
    assertThat(check.kind()).isEqualTo(SignatureCheck.Kind.INVALID);
    assertThat(((SignatureCheck.Invalid) check).reason()).contains(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"secp256r1", "secp384r1", "secp521r1", "Ed25519"})
  void findsItsOwnSignaturesGood(String curve) throws GeneralSecurityException {
    KeyPair keys = pair(curve);
    assertThat(check(keys.getPublic())).isEqualTo(new SignatureCheck.Unsigned());

    String bundle = registry.signatures().sign(version, keys);

    SignatureCheck.Valid valid = (SignatureCheck.Valid) check(keys.getPublic());
    assertThat(valid.key()).isEqualTo(PemKeys.fingerprint(keys.getPublic())).hasSize(64);
    assertThat(valid.files()).containsExactly("config.json", "text/vocabulary.txt", "weights.bin");
    assertThat(valid.ignored()).isEmpty();
    assertThat(valid.added().by()).contains(registry.principal());
    assertThat(registry.signatures().of(version)).containsExactly(bundle);
    AuditEntry entry = registry.audit().head().orElseThrow();
    assertThat(entry.action()).isEqualTo("sign");
    assertThat(entry.subject()).isEqualTo("m:1");
    assertThat(entry.reason()).isEqualTo("key " + valid.key());
    assertThat(registry.documents(version).list(Document.SIGNATURE)).hasSize(1);
  }

  @Test
  void saysWhenAnotherKeySigned() throws GeneralSecurityException {
    KeyPair keys = pair("secp256r1");
    KeyPair other = pair("secp256r1");
    registry.signatures().sign(version, keys);

    assertInvalid(
        check(other.getPublic()),
        "was made with the key "
            + PemKeys.fingerprint(keys.getPublic()).substring(0, 12)
            + ", not "
            + PemKeys.fingerprint(other.getPublic()).substring(0, 12));

    registry.signatures().sign(version, other);
    assertThat(check(keys.getPublic()).kind()).isEqualTo(SignatureCheck.Kind.VALID);
    assertThat(check(other.getPublic()).kind()).isEqualTo(SignatureCheck.Kind.VALID);
  }

  @Test
  void noticesTamperedFiles() throws Exception {
    KeyPair keys = pair("Ed25519");
    registry.signatures().sign(version, keys);
    Path weights = version.folder().resolve("weights.bin");
    assertThat(weights.toFile().setWritable(true)).isTrue();
    Files.writeString(weights, "WEIGHTS");

    assertInvalid(check(keys.getPublic()), "what was signed has changed: " + weights);
    assertThatThrownBy(() -> registry.signatures().sign(version, keys))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("weights.bin");
  }

  @Test
  void noticesTamperedPayloadsAndSignatures() throws Exception {
    KeyPair keys = pair("secp256r1");
    String bundle = registry.signatures().sign(version, keys);
    ModelVersion other = registry.registration("m", TestModels.folder(temp, "other")).register();

    assertThatThrownBy(() -> registry.signatures().add(other, bundle))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'weights.bin' was signed as sha256:");

    String payload = bundle.replaceAll("(?s).*\"payload\":\"([^\"]*)\".*", "$1");
    String statement = new String(Base64.getDecoder().decode(payload), StandardCharsets.UTF_8);
    String renamed =
        Base64.getEncoder()
            .encodeToString(
                statement
                    .replace("\"name\":\"m\"", "\"name\":\"x\"")
                    .getBytes(StandardCharsets.UTF_8));
    assertThat(renamed).isNotEqualTo(payload);
    ModelVersion same = registry.registration("m", TestModels.folder(temp, "weights")).register();
    registry.signatures().add(same, bundle.replace(payload, renamed));
    assertInvalid(
        registry.signatures().verify(same, keys.getPublic()),
        "was not made with the key " + PemKeys.fingerprint(keys.getPublic()).substring(0, 12));
    registry.signatures().add(same, bundle);
    assertThat(registry.signatures().verify(same, keys.getPublic()).kind())
        .isEqualTo(SignatureCheck.Kind.VALID);
  }

  @Test
  void refusesWhatIsNoSignature() throws Exception {
    String bundle = registry.signatures().sign(version, pair("secp256r1"));
    int refused = 0;
    for (int length = 0; length < bundle.length() - 1; length += 40) {
      String cut = bundle.substring(0, length);
      assertThatThrownBy(() -> registry.signatures().add(version, cut))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith("the signature");
      refused++;
    }
    assertThat(refused).isGreaterThan(20);
    assertThatThrownBy(
            () -> registry.signatures().add(version, bundle.replace("\"publicKey\"", "\"x509\"")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("signed with a certificate");
  }

  @Test
  void saysThatADamagedBundleIsInvalid() throws Exception {
    KeyPair keys = pair("secp256r1");
    registry.documents(version).attach(Document.SIGNATURE, new byte[] {'{'}, "application/json");

    assertInvalid(check(keys.getPublic()), "not JSON");
  }

  @Test
  void refusesKeysThatAreNoPairOrOfAnotherKind() throws Exception {
    KeyPair one = pair("secp256r1");
    KeyPair two = pair("secp256r1");
    KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();

    assertThatThrownBy(
            () ->
                registry.signatures().sign(version, new KeyPair(one.getPublic(), two.getPrivate())))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the public key does not belong to the private one");
    assertThatThrownBy(() -> registry.signatures().sign(version, rsa))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("ECDSA on P-256, P-384 or P-521, or of Ed25519");
    assertThat(registry.signatures().of(version)).isEmpty();
  }

  @Test
  void goesWithTheVersionIntoAnArchive() throws Exception {
    KeyPair keys = pair("Ed25519");
    registry.signatures().sign(version, keys);
    registry.archive().export(version, temp.resolve("m.tar"));
    try (ModelRegistry other = ModelRegistry.open(temp.resolve("other"))) {
      ModelVersion imported = other.archive().importFrom(temp.resolve("m.tar"));

      assertThat(other.signatures().verify(imported, keys.getPublic()).kind())
          .isEqualTo(SignatureCheck.Kind.VALID);
    }
  }

  /** The fixture's folder has the files of {@link TestModels#folder} and a .gitattributes. */
  @Test
  void findsSignaturesOfThePythonPackageGood() throws IOException {
    Path folder = TestModels.folder(temp, "weights");
    Files.writeString(folder.resolve(".gitattributes"), "x");
    version = registry.registration("python", folder).register();
    PublicKey key = PemKeys.publicKey(fixture("p256-public.pem"));

    registry.signatures().add(version, Files.readString(fixture("p256.sig")));

    SignatureCheck.Valid valid = (SignatureCheck.Valid) check(key);
    assertThat(valid.files()).containsExactly("config.json", "text/vocabulary.txt", "weights.bin");
    assertThat(valid.ignored()).containsExactly(".gitattributes");
    assertThat(Files.readString(fixture("p256.sig"))).contains(valid.key());
  }

  /** The fixture is ours, and the Python package found it good; see {@link SignaturePeerTest}. */
  @Test
  void signsAsThePythonPackageFoundGood() throws IOException {
    PublicKey key = PemKeys.publicKey(fixture("p256-public.pem"));
    KeyPair keys = new KeyPair(key, PemKeys.privateKey(fixture("p256-private.pem")));
    String accepted = Files.readString(fixture("ours.sig"));

    String fresh = registry.signatures().sign(version, keys);

    String seal = "\"sig\":\"[^\"]+\"";
    assertThat(fresh.replaceFirst(seal, "")).isEqualTo(accepted.replaceFirst(seal, ""));
    ModelVersion same = registry.registration("m", TestModels.folder(temp, "weights")).register();
    registry.signatures().add(same, accepted);
    assertThat(registry.signatures().verify(same, key).kind()).isEqualTo(SignatureCheck.Kind.VALID);
  }

  @Test
  void readsKeysThatOpensslWrote() throws Exception {
    PublicKey publicKey = PemKeys.publicKey(fixture("p256-public.pem"));
    PrivateKey plain = PemKeys.privateKey(fixture("p256-private.pem"));
    PrivateKey decrypted =
        PemKeys.privateKey(fixture("p256-encrypted.pem"), Secret.of("correct horse"));
    KeyPair edwards =
        new KeyPair(
            PemKeys.publicKey(fixture("ed25519-public.pem")),
            PemKeys.privateKey(fixture("ed25519-private.pem")));

    assertThat(decrypted).isEqualTo(plain);
    registry.signatures().sign(version, new KeyPair(publicKey, decrypted));
    registry.signatures().sign(version, edwards);
    assertThat(check(publicKey).kind()).isEqualTo(SignatureCheck.Kind.VALID);
    assertThat(check(edwards.getPublic()).kind()).isEqualTo(SignatureCheck.Kind.VALID);
  }

  @Test
  void saysWhatIsWrongWithAKeyFile() throws IOException {
    Path encrypted = fixture("p256-encrypted.pem");
    Path open = fixture("p256-public.pem");
    Path none = Files.writeString(temp.resolve("none.pem"), "no key");

    assertThatThrownBy(() -> PemKeys.privateKey(encrypted, Secret.of("wrong")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("cannot be decrypted")
        .hasMessageEndingWith("Is the password the right one?");
    assertThatThrownBy(() -> PemKeys.privateKey(encrypted))
        .hasMessageContaining("the key is encrypted; read it with privateKey(file, password)");
    assertThatThrownBy(() -> PemKeys.privateKey(open))
        .hasMessageContaining("expected a block of type PRIVATE KEY, got PUBLIC KEY");
    assertThatThrownBy(() -> PemKeys.publicKey(none))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("no PEM block");
  }
}
