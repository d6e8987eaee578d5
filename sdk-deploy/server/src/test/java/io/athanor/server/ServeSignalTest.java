package io.athanor.server;

import static io.athanor.server.Client.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.BackendProvider;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The program in a process of its own, told to stop while it works. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "has no SIGTERM")
class ServeSignalTest {
  private static final Pattern ADDRESS = Pattern.compile("Serving .* at (http://\\S+)");

  /** What the system gives for a process that ended by SIGTERM: 128 and the signal's number. */
  private static final int TERMINATED = 128 + 15;

  @TempDir Path home;

  private Process start(Path model) throws IOException {
    Path services = Files.createDirectories(home.resolve("classes/META-INF/services"));
    Files.writeString(
        services.resolve(BackendProvider.class.getName()), HeldBackendProvider.class.getName());
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            home.resolve("classes") + File.pathSeparator + System.getProperty("java.class.path"),
            "io.athanor.server.Serve",
            "--backend",
            HeldBackendProvider.NAME,
            "--name",
            "prices",
            "--port",
            "0",
            model.toString())
        .redirectErrorStream(true)
        .start();
  }

  /** Reads what a process says until it says something. */
  private static Matcher await(BufferedReader said, Pattern what) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String line = said.readLine(); line != null; line = said.readLine()) {
      Matcher found = what.matcher(line);
      if (found.find()) {
        return found;
      }
      all.append(line).append('\n');
    }
    throw new AssertionError("never said " + what + " but:\n" + all);
  }

  private static void tell(Process process) throws IOException {
    process.getOutputStream().write('!');
    process.getOutputStream().flush();
  }

  private static boolean listens(URI address) throws IOException {
    try (Socket socket = new Socket(address.getHost(), address.getPort())) {
      return socket.isConnected();
    } catch (ConnectException e) {
      return false;
    }
  }

  @Test
  void onSigtermTheRequestInFlightIsAnsweredAndNewOnesAreNot() throws Exception {
    Path model = home.resolve("model");
    ArtifactFolder.write(TinyArtifacts.prices(), model);
    Process process = start(model);
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      URI address = URI.create(await(said, ADDRESS).group(1));
      Client client = new Client(address);
      tell(process);
      await(said, Pattern.compile(HeldBackendProvider.PAUSED));
      CompletableFuture<HttpResponse<String>> inFlight =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return client.post("/v1/models/prices/predict", "{\"input\":{\"area\":70}}");
                } catch (IOException | InterruptedException e) {
                  throw new AssertionError(e);
                }
              });
      await(said, Pattern.compile(HeldBackendProvider.HELD));

      process.toHandle().destroy(); // unlike the process, leaves the streams open
      while (listens(address)) {
        Thread.onSpinWait();
      }
      assertThat(inFlight).isNotDone();
      tell(process);

      HttpResponse<String> answer = inFlight.get(1, TimeUnit.MINUTES);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(json(answer).get("value").doubleValue()).isCloseTo(310, within(1e-3));
      await(said, Pattern.compile("prices:\\w+ has stopped"));
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isEqualTo(TERMINATED);
    } finally {
      process.destroyForcibly();
    }
  }
}
