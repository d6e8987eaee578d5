package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.athanor.api.common.Secret;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.mlflow.MlflowServer;
import io.athanor.registry.mlflow.MlflowVersion;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Publication to MLflow and registration from it: against the exchanges of a real server, or
 * against the new server that the system property {@code athanor.mlflow} names, and against servers
 * that misbehave.
 */
final class MlflowTest {
  private static final String API = "/api/2.0/mlflow/";
  private static final String ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts";
  private static final String VERSION =
      "{\"model_version\": {\"name\": \"m\", \"version\": \"1\", \"source\": \"unused\"}}";

  @TempDir private Path temp;

  @Test
  void publishesAndRegistersWhatARealServerKeeps() throws IOException {
    String real = System.getProperty("athanor.mlflow");
    try (MlflowDouble recorded = MlflowDouble.recorded();
        ModelRegistry registry = registry("first");
        ModelRegistry other = registry("second")) {
      MlflowServer server =
          MlflowServer.at(real == null ? recorded.address() : URI.create(real))
              .pause(Duration.ofMillis(1));
      ModelVersion version = version(registry);

      MlflowVersion published = server.publish(version, "champion");
      assertThat(published.name()).isEqualTo("spam-filter");
      assertThat(published.number()).isEqualTo(1);
      assertThat(published.description()).isEqualTo("Reads mail, \"even\" ümlauts");
      assertThat(published.aliases()).containsExactly("champion");
      assertThat(published.metrics()).isEqualTo(Map.of("f1", 0.9375, "recall", 0.5));
      assertThat(published.tags())
          .containsEntry("team", "mail")
          .containsEntry("athanor.version", "spam-filter:1")
          .containsEntry("athanor.digest", version.digest().hex());

      assertThat(server.publish(version).number()).as("found by its digest").isEqualTo(1);
      assertThat(server.alias("spam-filter", "champion")).isEqualTo(published);
      assertThatExceptionOfType(NotFoundException.class)
          .isThrownBy(() -> server.alias("spam-filter", "nobody"))
          .withMessageContaining("alias 'nobody' of spam-filter")
          .withMessageContaining("The MLflow server said: ");
      assertThatExceptionOfType(NotFoundException.class)
          .isThrownBy(() -> server.version("spam-filter", 9))
          .withMessageContaining("version 9 of spam-filter");

      ModelVersion taken = other.registration("taken-over", server, published).register();
      assertThat(taken.digest()).isEqualTo(version.digest());
      assertThat(taken.notes()).isEqualTo(version.notes());
      assertThat(taken.metrics()).isEqualTo(version.metrics());
      assertThat(other.verify().problems()).isEmpty();
      assertThat(recorded.unexpected()).isEmpty();
    }
  }

  private ModelRegistry registry(String name) {
    TestClock clock = TestClock.at(Instant.parse("2026-01-02T03:04:05Z"));
    return ModelRegistry.open(temp.resolve(name), clock);
  }

  private ModelVersion version(ModelRegistry registry) {
    return registry
        .registration("spam-filter", TestModels.folder(temp, "weights of a filter"))
        .description("Reads mail, \"even\" ümlauts")
        .tag("team", "mail")
        .licence("Apache-2.0")
        .report(TestModels.report(Map.of("f1", 0.9375, "recall", 0.5)))
        .register();
  }

  private static MlflowServer client(MlflowDouble server) {
    return MlflowServer.at(server.address()).pause(Duration.ofMillis(1));
  }

  private static MlflowDouble with(String source, String listing) throws IOException {
    return new MlflowDouble()
        .on("GET", API + "model-versions/get", 200, VERSION)
        .on(
            "GET",
            API + "model-versions/get-download-uri",
            200,
            "{\"artifact_uri\": \"" + source + "\"}")
        .on("GET", ARTIFACTS, 200, listing);
  }

  private void refusedFiles(String listing, String message) throws IOException {
    try (MlflowDouble server = with("mlflow-artifacts:/1/a", listing);
        ModelRegistry registry = registry("registry")) {
      server.on("GET", ARTIFACTS + "/1/a/w.bin", 200, "12345");
      MlflowServer client = client(server).atMost(1000);
      assertThatExceptionOfType(FormatException.class)
          .isThrownBy(() -> registry.registration("m", client, client.version("m", 1)).register())
          .withMessageContaining(message);
      assertThat(registry.models()).isEmpty();
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(temp.resolve("registry/staging")).isEmptyDirectory();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "..", ".", "a/b", "a\\\\b", "/etc/passwd", "", "a\\u0000b"})
  void refusesHostileNames(String name) throws IOException {
    refusedFiles(
        "{\"files\": [{\"path\": \"" + name + "\", \"is_dir\": false}]}", "not a plain file name");
  }

  @Test
  void refusesListsThatLie() throws IOException {
    refusedFiles(
        "{\"files\": [{\"path\": \"w.bin\", \"is_dir\": false, \"file_size\": 6}]}",
        "expected 6 bytes as the server listed, got 5");
    refusedFiles("{}", "no files; expected those of a model");
    refusedFiles(
        "{\"files\": [{\"path\": \"w.bin\"}, {\"path\": \"W.bin\"}]}", "'W.bin' is there twice");
    refusedFiles("{\"files\": [{\"path\": \"deep\", \"is_dir\": true}]}", "nest deeper than 20");
    refusedFiles("{\"files\": {\"path\": \"w.bin\"}}", "must be a list");
  }

  @Test
  void refusesMoreThanTheLimit() throws IOException {
    try (MlflowDouble server =
        with("mlflow-artifacts:/1/a", "{\"files\": [{\"path\": \"w.bin\"}]}")) {
      server.on("GET", ARTIFACTS + "/1/a/w.bin", 200, "12345");
      MlflowServer client = client(server).atMost(4);
      assertThatExceptionOfType(FormatException.class)
          .isThrownBy(() -> client.download(client.version("m", 1), temp.resolve("files")))
          .withMessageContaining("more than 4 bytes");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"s3://bucket/a", "file:///etc", "mlflow-artifacts://elsewhere:1/a"})
  void saysWhereFilesCannotBeFetchedFrom(String source) throws IOException {
    try (MlflowDouble server = with(source, "{}")) {
      MlflowServer client = client(server);
      assertThatExceptionOfType(UnsupportedException.class)
          .isThrownBy(() -> client.download(client.version("m", 1), temp.resolve("files")))
          .withMessageContaining(source)
          .withMessageContaining("--serve-artifacts");
    }
  }

  @Test
  void asksAgainWhileTheServerIsOverloaded() throws IOException {
    try (MlflowDouble server =
        new MlflowDouble()
            .on("GET", API + "model-versions/get", 503, "busy")
            .on("GET", API + "model-versions/get", MlflowDouble.CUT, "")
            .on("GET", API + "model-versions/get", 200, VERSION)
            .on("GET", API + "model-versions/get-download-uri", 200, "{\"artifact_uri\": \"x\"}")) {
      assertThat(client(server).version("m", 1).number()).isEqualTo(1);
      assertThat(server.asked()).hasSize(4);
    }
  }

  @Test
  void givesUpOnAServerThatStaysAway() throws IOException {
    try (MlflowDouble server =
        new MlflowDouble().on("GET", API + "model-versions/get", 503, "busy")) {
      assertThatExceptionOfType(StorageException.class)
          .isThrownBy(() -> client(server).version("m", 1))
          .withMessageContaining("status 503, 'busy'");
      assertThat(server.asked()).hasSize(4);
    }
    try (MlflowDouble server =
        new MlflowDouble().on("GET", API + "model-versions/get", MlflowDouble.SILENCE, "")) {
      MlflowServer client = client(server).timeout(Duration.ofMillis(100));
      assertThatExceptionOfType(StorageException.class)
          .isThrownBy(() -> client.version("m", 1))
          .withMessageContaining("silent for PT0.1S");
    }
  }

  @Test
  void tellsWhatIsNoMlflowServer() throws IOException {
    for (String page :
        new String[] {"<html>Welcome</html>", "[]", "{}", "{\"model_version\": 3}"}) {
      try (MlflowDouble server =
          new MlflowDouble().on("GET", API + "model-versions/get", 200, page)) {
        assertThatExceptionOfType(FormatException.class)
            .isThrownBy(() -> client(server).version("m", 1))
            .withMessageContaining(server.address().toString());
      }
    }
    try (MlflowDouble server =
        new MlflowDouble()
            .on("GET", API + "model-versions/get", 302, "http://127.0.0.1:1/elsewhere")) {
      assertThatExceptionOfType(FormatException.class)
          .isThrownBy(() -> client(server).version("m", 1))
          .withMessageContaining("expected an MLflow server's answer, got status 302");
    }
  }

  @Test
  void sendsCredentialsAndNeverTellsThem() throws IOException {
    try (MlflowDouble server =
        new MlflowDouble().on("GET", API + "model-versions/get", 401, "who are you?")) {
      MlflowServer client = client(server).token(Secret.of("s3cret"));
      assertThatExceptionOfType(AccessDeniedException.class)
          .isThrownBy(() -> client.version("m", 1))
          .withMessageContaining("give a token or an account that may")
          .satisfies(e -> assertThat(e.toString()).doesNotContain("s3cret"));
      assertThat(server.authorizations()).containsExactly("Bearer s3cret");
      assertThat(client.toString()).doesNotContain("s3cret");
    }
  }

  private MlflowDouble publishing() throws IOException {
    String run =
        "{\"run\": {\"info\": {\"run_id\": \"r\", \"artifact_uri\": \"mlflow-artifacts:/1/r\"}}}";
    MlflowDouble server =
        new MlflowDouble()
            .on("POST", API + "registered-models/create", 200, "{}")
            .on("GET", API + "model-versions/search", 200, "{}")
            .on(
                "GET",
                API + "experiments/get-by-name",
                200,
                "{\"experiment\": {\"experiment_id\": \"1\"}}")
            .on("POST", API + "runs/create", 200, run)
            .on("POST", API + "runs/log-batch", 200, "{}")
            .on("POST", API + "runs/update", 200, "{}");
    for (String file : new String[] {"config.json", "text/vocabulary.txt", "weights.bin"}) {
      server.on("PUT", ARTIFACTS + "/1/r/model/" + file, 200, "");
    }
    return server;
  }

  @Test
  void saysThatNobodyKnowsWhetherAVersionWasMade() throws IOException {
    try (MlflowDouble server =
            publishing().on("POST", API + "model-versions/create", MlflowDouble.CUT, "");
        ModelRegistry registry = registry("registry")) {
      ModelVersion version = version(registry);
      assertThatExceptionOfType(OutcomeUnknownException.class)
          .isThrownBy(() -> client(server).publish(version))
          .withMessageContaining("Publish again after a while; it is not made twice");
      assertThat(server.asked()).containsOnlyOnce("POST " + API + "model-versions/create");
    }
  }

  @Test
  void givesTheServersReasonsForARefusal() throws IOException {
    String refusal = "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"no\\nway\"}";
    try (MlflowDouble server =
            publishing().on("POST", API + "model-versions/create", 400, refusal);
        ModelRegistry registry = registry("registry")) {
      ModelVersion version = version(registry);
      assertThatExceptionOfType(ValidationException.class)
          .isThrownBy(() -> client(server).publish(version))
          .withMessageContaining("the MLflow server said: no way");
      assertThat(server.asked()).endsWith("POST " + API + "runs/update");
    }
  }

  @Test
  void neverPublishesDamagedFiles() throws IOException {
    try (MlflowDouble server = publishing();
        ModelRegistry registry = registry("registry")) {
      ModelVersion version = version(registry);
      Path weights = version.folder().resolve("weights.bin");
      Files.delete(weights);
      Files.writeString(weights, "others");
      assertThatExceptionOfType(FormatException.class)
          .isThrownBy(() -> client(server).publish(version))
          .withMessageContaining("damaged or changed");
      assertThat(server.asked()).isEmpty();
    }
  }
}
