package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.BackendProvider;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.model.Models;
import io.athanor.model.arch.Llama;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program of a container where it cannot serve: it ends and says why. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class ServeFailureTest {
  /** What a virtual machine ends with that ran out of memory, under ExitOnOutOfMemoryError. */
  private static final int OUT_OF_MEMORY = 3;

  @TempDir Path home;
  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    Path services = Files.createDirectories(home.resolve("classes/META-INF/services"));
    Files.writeString(
        services.resolve(BackendProvider.class.getName()),
        ReferenceBackendProvider.class.getName());
    model = home.resolve("model");
    ArtifactFolder.write(TinyArtifacts.prices(), model);
  }

  /** How the program ended, and what it said. */
  private record End(int status, String log) {}

  private End run(List<String> machine, String... words) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(machine);
    command.addAll(
        List.of(
            "-cp",
            home.resolve("classes") + File.pathSeparator + System.getProperty("java.class.path"),
            "io.athanor.server.Serve",
            "--backend",
            "reference",
            "--open"));
    command.addAll(List.of(words));
    Path log = home.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
      return new End(process.exitValue(), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void aPortThatIsTakenIsSaid() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(other.getLocalPort());

      End end = run(List.of(), "--port", port, model.toString());

      assertThat(end.status()).isEqualTo(1);
      assertThat(end.log())
          .contains("The model cannot be served: 127.0.0.1:" + port)
          .contains("stop the program that uses the port, choose another port");
    }
  }

  @Test
  void aMissingFileOfTheModelIsNamed() throws Exception {
    Files.delete(model.resolve("model.safetensors"));

    End end = run(List.of(), "--port", "0", model.toString());

    assertThat(end.status()).isEqualTo(1);
    assertThat(end.log()).contains("The model cannot be served: ").contains("model.safetensors");
  }

  @Test
  void aHeapThatIsTooSmallEndsItAtOnceWithAStatusOfItsOwn() throws Exception {
    Path large = home.resolve("large");
    ArtifactFolder.write(large(), large);

    End end =
        run(List.of("-Xmx24m", "-XX:+ExitOnOutOfMemoryError"), "--port", "0", large.toString());

    assertThat(end.status()).as(end.log()).isEqualTo(OUT_OF_MEMORY);
    assertThat(end.log()).contains("java.lang.OutOfMemoryError");
  }

  /** Of 34 megabytes. */
  private static ModelArtifact large() {
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Generation("text"),
            WordTokenizer.fit(List.of("one two three"), 20, 1),
            64,
            List.of(),
            Optional.empty(),
            Map.of());
    Llama llama = Models.llama(2, 512, 8, 8, 2_048);
    Graph graph = llama.graph(encoding.signature());
    return new ModelArtifact(
        llama.name(),
        llama.config(),
        graph,
        Weights.initialize(graph, 1),
        encoding,
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of()));
  }
}
