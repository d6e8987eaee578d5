package io.athanor.training.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.event.TrainingEvent;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingPlan;
import io.athanor.tck.fixture.TestClock;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final TestClock clock = TestClock.standing();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private static TrainingEvent.StepCompleted step(long step) {
    return new TrainingEvent.StepCompleted(step, 200, 1, 0.5, 1, 1e-3, 1234);
  }

  private static TrainingEvent.Started started() {
    return new TrainingEvent.Started(0, 200, "mlp", 12345, TrainingPlan.builder().build());
  }

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }

  @Test
  void drawsABarInPlaceOnATerminal() {
    Progress progress = Progress.to(out, true, clock);

    progress.on(started());
    clock.advance(Duration.ofSeconds(10));
    progress.on(step(100));
    progress.on(step(101));

    assertThat(shown())
        .isEqualTo(
            "mlp, 12,345 trained parameters, 200 steps\n"
                + "\repoch 1 [==========          ]  50%  loss 0.5000  1,234 rows/s "
                + " 0:10 left");
  }

  @Test
  void takesTheBarAwayBeforeALine() {
    Progress progress = Progress.to(out, true, clock);
    progress.on(started());
    clock.advance(Duration.ofSeconds(1));
    progress.on(step(2));
    bytes.reset();

    progress.on(new TrainingEvent.Evaluated(2, 1, Map.of("validation.loss", 0.25), true));

    assertThat(shown()).matches("(?s)\r +\repoch 1, step 2: validation.loss 0.2500 \\(best\\)\n");
  }

  @Test
  void writesAPlainLineEveryFewSecondsElsewhere() {
    Progress progress = Progress.to(out, false, clock);

    progress.on(started());
    for (int i = 1; i <= 12; i++) {
      clock.advance(Duration.ofSeconds(1));
      progress.on(step(i));
    }
    progress.on(new TrainingEvent.Ended(12, StopReason.CANCELLED, 10, Map.of("train.loss", 0.5)));

    assertThat(shown())
        .isEqualTo(
            """
            mlp, 12,345 trained parameters, 200 steps
            epoch 1, step 5/200: loss 0.5000  1,234 rows/s  3:15 left
            epoch 1, step 10/200: loss 0.5000  1,234 rows/s  3:10 left
            cancelled after 12 steps, model of step 10: train.loss 0.5000
            """);
  }

  @Test
  void tellsOfPausesFailuresAndResumedRuns() {
    Progress progress = Progress.to(out, false, clock);

    progress.on(new TrainingEvent.Started(50, 200, "mlp", 1, TrainingPlan.builder().build()));
    progress.on(new TrainingEvent.Paused(60));
    progress.on(new TrainingEvent.Resumed(60));
    progress.on(new TrainingEvent.Failed(61, "the loss is NaN"));

    assertThat(shown())
        .isEqualTo(
            """
            mlp, 1 trained parameters, going on at step 50 of 200
            paused at step 60
            going on at step 60
            failed: the loss is NaN
            """);
  }
}
