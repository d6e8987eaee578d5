package io.athanor.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Backends;
import io.athanor.api.common.Digest;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills a JVM in the middle of a training, again and again, and lets it go on. */
class KillTest {
  private static final int STEPS_PER_EPOCH = 20;

  @TempDir Path root;

  /** The program that is killed: trains, telling every step, and in the end the digest. */
  public static final class Program {
    private Program() {}

    public static void main(String[] args) {
      TrainingResult result =
          training(Path.of(args[0]), Integer.parseInt(args[1]), open(args[2]))
              .listener(
                  event -> {
                    if (event.kind() == TrainingEvent.Kind.STEP_COMPLETED) {
                      System.out.println("step " + event.step());
                    }
                  })
              .run();
      System.out.println("digest " + result.model().weightsDigest().hex());
    }
  }

  private static Backend open(String name) {
    BackendProvider provider =
        name.equals("reference")
            ? new ReferenceBackendProvider()
            : Backends.installed().named(name);
    return provider.open(BackendOptions.defaults().withThreads(1));
  }

  private static Training training(Path folder, int epochs, Backend backend) {
    return Training.of(new TinyModel(64, 0.2), TinyData.circle(16 * STEPS_PER_EPOCH, 48, 5))
        .backend(backend)
        .batchSize(16)
        .accumulate(2)
        .epochs(epochs)
        .learningRate(0.01)
        .schedule(Schedule.cosine().warmUp(0.1))
        .clipNorm(1)
        .evaluateEvery(7)
        .checkpoints(folder)
        .checkpointEvery(3)
        .keepCheckpoints(2)
        .seed(11);
  }

  @Test
  @Timeout(120)
  void aRunKilledTwiceEndsAsIfNothingHadHappened() throws Exception {
    killAndCompare("reference", 2, 3);
  }

  @Test
  @Tag("heavy")
  @Timeout(600)
  void aRunKilledTwentyTimesEndsAsIfNothingHadHappened() throws Exception {
    killAndCompare("reference", 20, 20);
  }

  @Test
  @Tag("heavy")
  @Timeout(600)
  void theSameOnAnEngineInNativeCode() throws Exception {
    killAndCompare("djl", 20, 100);
  }

  @Test
  @Timeout(120)
  void aRunToldToStopSavesItsLastStep() throws Exception {
    int moreThanItHasTimeFor = 100_000;
    Process process = start(root, moreThanItHasTimeFor, "reference");
    String last = "";
    try (BufferedReader lines = output(process)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line.startsWith("step ") ? line : last;
        if (line.equals("step 7")) {
          process.toHandle().destroy();
        }
      }
    }
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

    long step = Long.parseLong(last.substring("step ".length()));
    assertThat(step).isBetween(7L, (long) moreThanItHasTimeFor * STEPS_PER_EPOCH - 1);
    assertThat(root.resolve(String.format("step-%012d", step))).isDirectory();
  }

  private void killAndCompare(String backend, int kills, int epochs) throws Exception {
    Path killed = root.resolve("killed");
    Path whole = root.resolve("whole");
    Random random = new Random(kills);
    for (int kill = 1; kill <= kills; kill++) {
      String lastLine = runUntil("step ", 1 + random.nextInt(8), killed, epochs, backend);
      assertThat(lastLine).as("kill %d", kill).startsWith("step ");
    }
    String ending = runUntil("digest ", 1, killed, epochs, backend);

    String uninterrupted = runUntil("digest ", 1, whole, epochs, backend);

    assertThat(ending).isEqualTo(uninterrupted).startsWith("digest ");
    String last = String.format("step-%012d", epochs * STEPS_PER_EPOCH);
    assertThat(Digest.ofFile(killed.resolve(last).resolve("state.safetensors")))
        .as("weights, moments and best weights")
        .isEqualTo(Digest.ofFile(whole.resolve(last).resolve("state.safetensors")));
    assertThat(bookkeeping(killed.resolve(last))).isEqualTo(bookkeeping(whole.resolve(last)));
  }

  private static String bookkeeping(Path checkpoint) throws IOException {
    String json = Files.readString(checkpoint.resolve("checkpoint.json"));
    return json.replaceFirst("\"nanoseconds\":\\d+", "");
  }

  /** Starts a life, and ends it when it says the n-th line that begins so; gives that line. */
  private static String runUntil(String beginning, int n, Path folder, int epochs, String backend)
      throws Exception {
    Process process = start(folder, epochs, backend);
    try (BufferedReader lines = output(process)) {
      int seen = 0;
      String line = lines.readLine();
      while (line != null) {
        if (line.startsWith(beginning) && ++seen == n) {
          return line;
        }
        line = lines.readLine();
      }
      return "the program ended by itself";
    } finally {
      process.destroyForcibly();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static Process start(Path folder, int epochs, String backend) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Program.class.getName(),
            folder.toString(),
            Integer.toString(epochs),
            backend)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static BufferedReader output(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }
}
