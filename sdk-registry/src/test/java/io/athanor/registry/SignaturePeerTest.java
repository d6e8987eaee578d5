package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.signature.PemKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * OpenSSF's Python package checks our signatures. Runs where the system property {@code
 * athanor.model-signing} names a Python that has the package; see {@code regenerate.py}. What it
 * found good lies beside that as {@code ours.sig}, which {@link SignatureTest} holds ours against.
 */
@EnabledIfSystemProperty(
    named = "athanor.model-signing",
    matches = ".+",
    disabledReason =
        "name a Python with model-signing 1.1.1: -Dathanor.model-signing=/path/to/python")
class SignaturePeerTest {
  private static final Path FIXTURES =
      Path.of("src/test/resources/io/athanor/registry/signature").toAbsolutePath();

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

  /** What the Python package says; its exit status is the number before it. */
  private String peer(Path folder, String bundle, PublicKey key)
      throws IOException, InterruptedException {
    Path signature = Files.writeString(temp.resolve("model.sig"), bundle);
    Path pem =
        Files.writeString(
            temp.resolve("key.pem"),
            "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded())
                + "\n-----END PUBLIC KEY-----\n");
    Path said = temp.resolve("said.txt");
    Process python =
        new ProcessBuilder(
                System.getProperty("athanor.model-signing"),
                FIXTURES.resolve("regenerate.py").toString(),
                folder.toString(),
                signature.toString(),
                pem.toString())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    assertThat(python.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return python.exitValue() + " " + Files.readString(said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"secp256r1", "secp384r1", "secp521r1"})
  void findsOursGoodAndTamperedOnesBad(String curve) throws Exception {
    KeyPair keys = pair(curve);
    KeyPair others = pair(curve);
    String bundle = registry.signatures().sign(version, keys);
    Path folder = version.folder();

    assertThat(peer(folder, bundle, keys.getPublic())).startsWith("0 good:");

    assertThat(peer(folder, bundle, others.getPublic())).startsWith("1 ").contains("ValueError");
    Path weights = folder.resolve("weights.bin");
    assertThat(weights.toFile().setWritable(true)).isTrue();
    Files.writeString(weights, "WEIGHTS");
    assertThat(peer(folder, bundle, keys.getPublic())).startsWith("1 ").contains("weights.bin");
  }

  @Test
  void findsGoodWhatLiesBesideTheScript() throws Exception {
    PublicKey key = PemKeys.publicKey(FIXTURES.resolve("p256-public.pem"));
    KeyPair keys = new KeyPair(key, PemKeys.privateKey(FIXTURES.resolve("p256-private.pem")));
    String fresh = registry.signatures().sign(version, keys);
    Files.writeString(Path.of("target").resolve("ours.sig"), fresh);

    assertThat(peer(version.folder(), fresh, key)).startsWith("0 good:");
    assertThat(peer(version.folder(), Files.readString(FIXTURES.resolve("ours.sig")), key))
        .startsWith("0 good:");
  }

  private static KeyPair pair(String curve) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }
}
