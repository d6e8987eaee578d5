package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.AthanorException;
import io.athanor.api.model.Export;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.target.ContainerTarget;
import io.athanor.deploy.target.GoldenTranscript;
import io.athanor.deploy.target.HttpDeployment;
import io.athanor.deploy.target.HttpTarget;
import io.athanor.deploy.target.RetryPolicy;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program of a container, run as its image would run it. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class ServeTest {
  private static final RetryPolicy PATIENT =
      RetryPolicy.standard().attempts(100).pauses(Duration.ofMillis(100), Duration.ofSeconds(1));

  @TempDir Path home;

  /** The jars of this test's class path; folders of classes are packed. Natives stay at home. */
  private Path jars() throws IOException {
    Path jars = Files.createDirectory(home.resolve("jars"));
    int number = 0;
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path) && !entry.contains("test-classes")) {
        pack(path, jars.resolve("classes" + number++ + ".jar"));
      } else if (Files.isRegularFile(path) && Files.size(path) < 30_000_000) {
        Files.copy(path, jars.resolve(number++ + "-" + path.getFileName()));
      }
    }
    provide(jars.resolve("provider.jar"));
    return jars;
  }

  /** The reference backend is found by nobody unless a jar names it. */
  private static void provide(Path jar) throws IOException {
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("META-INF/services/" + BackendProvider.class.getName()));
      zip.write(ReferenceBackendProvider.class.getName().getBytes(StandardCharsets.UTF_8));
    }
  }

  private static void pack(Path folder, Path jar) throws IOException {
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out);
        Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        zip.putNextEntry(new ZipEntry(folder.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, zip);
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Process start(List<String> command) {
    try {
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(home.resolve("log").toFile())
          .start();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  @Test
  void theContainersProgramStartsAnswersAsTheModelAndEndsWhenItIsTold() throws Exception {
    List<Row> rows = List.of(Row.of("body", "you won a prize"), Row.of("body", "noon?"));
    int port = freePort();
    List<Integer> ends = new ArrayList<>();
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        Deployment here =
            Deployments.inProcess().backend(backend).deploy("spam", TinyArtifacts.spam())) {
      GoldenTranscript<Deployment> golden = GoldenTranscript.ofRows(here, rows);
      ContainerTarget target =
          ContainerTarget.named("spam", jars()).backend("reference").drain(Duration.ofSeconds(5));
      ContainerTarget checked =
          target.checkedBy(
              folder -> {
                Process process = start(target.command(folder, java(), "127.0.0.1", port));
                try (HttpDeployment there =
                    HttpTarget.at(URI.create("http://127.0.0.1:" + port))
                        .retries(PATIENT)
                        .deployment(here.model())) {
                  golden.require(there);
                  process.destroy();
                  assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
                  ends.add(process.exitValue());
                } catch (AthanorException e) {
                  throw new AssertionError(log(), e);
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                } finally {
                  process.destroyForcibly();
                }
              });

      Export.of(TinyArtifacts.spam()).to(home.resolve("context"), checked.format()).write();
    }

    assertThat(ends).containsExactly(143);
    assertThat(log()).contains("Serving spam:").contains("spam:").contains("has stopped");
    assertThat(home.resolve("context/kubernetes/model.yaml")).exists();
  }

  private String log() {
    try {
      return Files.readString(home.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void wrongOptionsEndItWithTheReason() throws Exception {
    List<String> command =
        List.of(
            java(),
            "-cp",
            System.getProperty("java.class.path"),
            "io.athanor.server.Serve",
            "--port",
            "http",
            "--colour");
    Process process = start(command);
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isEqualTo(2);
    assertThat(log()).contains("unknown option --colour").contains("name the folder of a model");
  }
}
