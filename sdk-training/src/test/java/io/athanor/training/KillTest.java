package io.athanor.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.BackendOptions;
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
          training(Path.of(args[0]), Integer.parseInt(args[1]))
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

  private static Training training(Path folder, int epochs) {
    return Training.of(new TinyModel(64, 0.2), TinyData.circle(16 * STEPS_PER_EPOCH, 48, 5))
        .backend(new ReferenceBackendProvider().open(BackendOptions.defaults()))
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
    killAndCompare(2, 3);
  }

  @Test
  @Tag("heavy")
  @Timeout(600)
  void aRunKilledTwentyTimesEndsAsIfNothingHadHappened() throws Exception {
    killAndCompare(20, 20);
  }

  private void killAndCompare(int kills, int epochs) throws Exception {
    Path killed = root.resolve("killed");
    Path whole = root.resolve("whole");
    int total = epochs * STEPS_PER_EPOCH;
    Random random = new Random(kills);
    long seen = 0;
    for (int kill = 1; kill <= kills; kill++) {
      // Each life gets as far as its share of the run, give or take a few steps.
      long target = (long) total * kill / (kills + 1) - random.nextInt(5);
      String lastLine = runUntil("step " + target, killed, epochs);
      assertThat(lastLine).as("kill %d", kill).isEqualTo("step " + target);
      assertThat(target).isGreaterThan(seen);
      seen = target;
    }
    String ending = runUntil("digest", killed, epochs);

    TrainingResult expected = training(whole, epochs).run();

    assertThat(ending).isEqualTo("digest " + expected.model().weightsDigest().hex());
    String last = String.format("step-%012d", total);
    assertThat(Digest.ofFile(killed.resolve(last).resolve("state.safetensors")))
        .as("weights, moments and best weights")
        .isEqualTo(Digest.ofFile(whole.resolve(last).resolve("state.safetensors")));
    assertThat(bookkeeping(killed.resolve(last))).isEqualTo(bookkeeping(whole.resolve(last)));
  }

  private static String bookkeeping(Path checkpoint) throws IOException {
    String json = Files.readString(checkpoint.resolve("checkpoint.json"));
    return json.replaceFirst("\"nanoseconds\":\\d+", "");
  }

  /** Starts a life, and ends it as soon as it says a line that begins so; gives that line. */
  private static String runUntil(String beginning, Path folder, int epochs) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                folder.toString(),
                Integer.toString(epochs))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = lines.readLine();
      while (line != null && !line.startsWith(beginning)) {
        line = lines.readLine();
      }
      return line == null ? "the program ended by itself" : line;
    } finally {
      process.destroyForcibly();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
  }
}
