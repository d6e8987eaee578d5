package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.Export;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written; that its program runs is shown in the module of the server. */
class ContainerTargetTest {
  @TempDir Path home;
  private Path jars;

  @BeforeEach
  void makeJar() throws IOException {
    jars = Files.createDirectory(home.resolve("jars"));
    jar(jars.resolve("server.jar"), "io/athanor/server/Serve.class");
    jar(jars.resolve("backend.jar"), "x/Backend.class");
    Files.writeString(jars.resolve("notes.txt"), "no jar");
  }

  private static void jar(Path file, String entry) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry(entry));
    }
  }

  private Path write(ContainerTarget target) {
    Path folder = home.resolve("context");
    Export.of(TinyArtifacts.prices()).to(folder, target.format()).write();
    return folder;
  }

  @Test
  void theContextHoldsAllThatTheImageNeeds() throws IOException {
    Path folder =
        write(
            ContainerTarget.named("prices", jars)
                .image("registry.example.com/team/prices:3")
                .backend("djl")
                .drain(Duration.ofSeconds(20)));

    assertThat(Files.readString(folder.resolve("Dockerfile")))
        .isEqualTo(
            """
            FROM eclipse-temurin:17.0.17_10-jre-noble
            WORKDIR /app
            COPY --chown=root:root --chmod=755 lib/ lib/
            COPY --chown=root:root --chmod=755 model/ model/
            ENV DJL_CACHE_DIR=/tmp/djl DJL_OFFLINE=true OPT_OUT_TRACKING=true
            USER 10001:10001
            EXPOSE 8080
            STOPSIGNAL SIGTERM
            HEALTHCHECK --interval=30s --timeout=10s --start-period=5m CMD ["java", \
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx16m", "-cp", "/app/lib/*", \
            "io.athanor.deploy.target.HealthProbe", "http://127.0.0.1:8080/health/ready"]
            ENTRYPOINT ["java", "-XX:MaxRAMPercentage=40", "-XX:+ExitOnOutOfMemoryError", \
            "-Djava.io.tmpdir=/tmp", "-cp", "/app/lib/*", "io.athanor.server.Serve", "--name", \
            "prices", "--host", "0.0.0.0", "--port", "8080", "--drain", "20", "--backend", "djl", \
            "--open", "/app/model"]
            """);
    assertThat(folder.resolve("lib")).isDirectoryContaining("glob:**/server.jar");
    assertThat(folder.resolve("lib")).isDirectoryNotContaining("glob:**/notes.txt");
    assertThat(ArtifactFolder.read(folder.resolve("model")).weightsDigest())
        .isEqualTo(TinyArtifacts.prices().weightsDigest());
    assertThat(Files.readString(folder.resolve("kubernetes/model.yaml")))
        .contains("image: \"registry.example.com/team/prices:3\"")
        .contains("terminationGracePeriodSeconds: 30")
        .contains("path: /health/ready")
        .contains("path: /health\n")
        .contains("readOnlyRootFilesystem: true")
        .contains("runAsNonRoot: true")
        .contains("memory: 384Mi")
        .doesNotContain("keys")
        .doesNotContain("%");
  }

  @Test
  void keysComeFromASecret() throws IOException {
    Path folder = write(ContainerTarget.named("prices", jars).keys("prices-keys").replicas(3));

    assertThat(Files.readString(folder.resolve("Dockerfile")))
        .contains("\"--keys\", \"/etc/athanor/keys.json\"")
        .doesNotContain("--open");
    assertThat(Files.readString(folder.resolve("kubernetes/model.yaml")))
        .contains("replicas: 3")
        .contains(
            String.join(
                "\n",
                "          volumeMounts:",
                "            - name: temporary",
                "              mountPath: /tmp",
                "            - name: keys",
                "              mountPath: /etc/athanor",
                "              readOnly: true",
                "      volumes:",
                "        - name: temporary",
                "          emptyDir:",
                "            sizeLimit: 1024Mi",
                "        - name: keys",
                "          secret:",
                "            secretName: prices-keys",
                "---",
                "apiVersion: v1"));
  }

  @Test
  void aFailedCheckLeavesNothing() {
    ContainerTarget target =
        ContainerTarget.named("prices", jars)
            .checkedBy(
                folder -> {
                  assertThat(folder.resolve("model")).isDirectory();
                  throw new ValidationException("copy", List.of("it says no"));
                });
    assertThatThrownBy(() -> write(target))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it says no");
    assertThat(home.resolve("context")).doesNotExist();
  }

  @Test
  void theProbeTellsAReadyServerFromOthers() throws IOException {
    try (FakeServer server =
        new FakeServer() {
          @Override
          Answer answer(String request, HttpExchange exchange, byte[] body) {
            return new Answer(request.equals("GET /health/ready") ? 200 : 404, "{}");
          }
        }) {
      String ready = server.address() + "/health/ready";
      HealthProbe.main(new String[] {ready});
      assertThat(server.requests("GET")).containsExactly("GET /health/ready");
      server.fail("GET", 503);
      assertThatThrownBy(() -> HealthProbe.main(new String[] {ready}))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(ready + " answered 503");
    }
    assertThatThrownBy(() -> HealthProbe.main(new String[] {"http://127.0.0.1:1/health/ready"}))
        .isInstanceOf(ConnectException.class);
  }

  @Test
  void whatCannotServeIsRefused() throws IOException {
    Files.delete(jars.resolve("server.jar"));
    assertThatThrownBy(() -> write(ContainerTarget.named("prices", jars)))
        .hasMessageContaining("none of the jars in " + jars + " has io.athanor.server.Serve");
    Files.writeString(jars.resolve("broken.jar"), "no zip");
    assertThatThrownBy(() -> write(ContainerTarget.named("prices", jars)))
        .hasMessageContaining("broken.jar: not a jar");
    assertThatThrownBy(() -> write(ContainerTarget.named("prices", home.resolve("none"))))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("copy-dependencies");
    assertThatThrownBy(() -> ContainerTarget.named("Not-DNS", jars))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ContainerTarget.named("a", jars).image("x\"\nevil: true"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("reference must be the name of an image");
  }
}
