package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TlsTest {
  private static final Secret PASSWORD = Secret.of("changeit-please");

  @TempDir static Path folder;

  private static Path keystore;

  @BeforeAll
  static void makeCertificate() throws Exception {
    keystore = folder.resolve("server.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=ip:127.0.0.1",
                "-validity",
                "10",
                "-storetype",
                "PKCS12",
                "-keystore",
                keystore.toString(),
                "-storepass",
                PASSWORD.reveal())
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes());
    assertThat(keytool.waitFor()).as(said).isZero();
  }

  @Test
  void speaksHttpsWithTheCertificate() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keystore)) {
      trusted.load(in, PASSWORD.reveal().toCharArray());
    }
    KeyStore certificates = KeyStore.getInstance("PKCS12");
    certificates.load(null, null);
    certificates.setCertificateEntry("server", trusted.getCertificate("server"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(certificates);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    try (ModelServer server =
        ModelServer.on(0).serve(new FakeText()).tls(keystore, PASSWORD).start()) {
      assertThat(server.address().getScheme()).isEqualTo("https");
      HttpClient http = HttpClient.newBuilder().sslContext(context).build();
      Client client = new Client(server.address(), http, Map.of());
      assertThat(client.get("/health").statusCode()).isEqualTo(200);
      assertThatThrownBy(() -> new Client(server.address()).get("/health"))
          .hasMessageContaining("PKIX");
    }
  }

  @Test
  void keystoresThatCannotBeUsedAreOurExceptions() throws Exception {
    assertThatThrownBy(() -> start(keystore, Secret.of("wrong-password")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("its password is another one")
        .hasMessageNotContaining("wrong-password");
    Path broken = Files.writeString(folder.resolve("broken.p12"), "nonsense");
    assertThatThrownBy(() -> start(broken, PASSWORD))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a PKCS #12 keystore");
    assertThatThrownBy(() -> start(folder.resolve("none.p12"), PASSWORD))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("none.p12: cannot be read");
  }

  private static void start(Path file, Secret password) {
    ModelServer.on(0).serve(new FakeText()).tls(file, password).start().close();
  }
}
