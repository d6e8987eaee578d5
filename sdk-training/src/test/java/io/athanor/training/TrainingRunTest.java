package io.athanor.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.TrainingException;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.event.TrainingListener;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingProgress;
import io.athanor.api.training.TrainingResult;
import io.athanor.training.fixture.ScriptedBackend;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TrainingRunTest {
  /** Holds the run at a step until it is released. */
  private static final class Gate implements TrainingListener {
    private final long at;
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);
    final CountDownLatch paused = new CountDownLatch(1);
    final List<TrainingEvent> events = new CopyOnWriteArrayList<>();

    Gate(long at) {
      this.at = at;
    }

    @Override
    public void on(TrainingEvent event) {
      events.add(event);
      if (event.kind() == TrainingEvent.Kind.PAUSED) {
        paused.countDown();
      }
      if (event.kind() == TrainingEvent.Kind.STEP_COMPLETED && event.step() == at) {
        reached.countDown();
        await(release);
      }
    }

    static void await(CountDownLatch latch) {
      try {
        assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static Training training() {
    return Training.of(new TinyModel(2, 0), TinyData.circle(64, 16, 5))
        .backend(new ScriptedBackend())
        .batchSize(8)
        .epochs(3);
  }

  @Test
  void standsStillBetweenStepsWhilePaused() {
    Gate gate = new Gate(5);
    TrainingRun run = training().listener(gate).start();
    Gate.await(gate.reached);
    run.pause();
    gate.release.countDown();
    Gate.await(gate.paused);

    assertThat(run.await(Duration.ofMillis(50))).isEmpty();
    TrainingProgress progress = run.progress();
    assertThat(progress.step()).isEqualTo(5);
    assertThat(progress.state()).isEqualTo(TrainingProgress.State.PAUSED);

    run.resume();
    TrainingResult result = run.await();
    assertThat(result.steps()).isEqualTo(24);
    assertThat(run.progress().state()).isEqualTo(TrainingProgress.State.ENDED);
    assertThat(gate.events).contains(new TrainingEvent.Paused(5), new TrainingEvent.Resumed(5));
  }

  @Test
  void cancelGivesTheBestModelSoFarAndACheckpoint(@TempDir Path folder) {
    Gate gate = new Gate(11);
    TrainingRun run = training().evaluateEvery(4).checkpoints(folder).listener(gate).start();
    Gate.await(gate.reached);
    run.cancel();
    gate.release.countDown();

    TrainingResult result = run.await();

    assertThat(result.stopReason()).isEqualTo(StopReason.CANCELLED);
    assertThat(result.steps()).isEqualTo(11);
    assertThat(result.bestStep()).isEqualTo(8);
    assertThat(folder.resolve("step-000000000011")).isDirectory();
    TrainingResult rest = training().evaluateEvery(4).checkpoints(folder).run();
    assertThat(rest.stopReason()).isEqualTo(StopReason.COMPLETED);
    assertThat(rest.steps()).isEqualTo(24);
  }

  @Test
  void cancelEndsAPausedRun() {
    Gate gate = new Gate(2);
    TrainingRun run = training().listener(gate).start();
    Gate.await(gate.reached);
    run.pause();
    gate.release.countDown();
    Gate.await(gate.paused);

    run.cancel();
    run.resume();

    assertThat(run.await().stopReason()).isEqualTo(StopReason.CANCELLED);
    assertThat(gate.events).contains(new TrainingEvent.Paused(2));
    assertThat(gate.events).doesNotHaveAnyElementsOfTypes(TrainingEvent.Resumed.class);
  }

  @Test
  void tellsWhereItStands() {
    Gate gate = new Gate(9);
    TrainingRun run = training().learningRate(0.125).listener(gate).start();
    Gate.await(gate.reached);

    TrainingProgress progress = run.progress();

    assertThat(progress.state()).isEqualTo(TrainingProgress.State.RUNNING);
    assertThat(progress.step()).isEqualTo(9);
    assertThat(progress.totalSteps()).isEqualTo(24);
    assertThat(progress.epoch()).isEqualTo(2);
    assertThat(progress.epochs()).isEqualTo(3);
    assertThat(progress.metrics())
        .containsEntry("train.loss", 1.0 / 9)
        .containsEntry("validation.loss", 1.0 / 8)
        .containsEntry("learning.rate", 0.125)
        .containsEntry("gradient.norm", 1.0)
        .containsKey("rows.per.second");
    assertThat(progress.remaining()).isPresent();
    gate.release.countDown();
    run.await();
  }

  @Test
  void aWaitingThreadThatIsInterruptedDoesNotEndTheRun() {
    Gate gate = new Gate(3);
    TrainingRun run = training().listener(gate).start();
    Gate.await(gate.reached);

    Thread.currentThread().interrupt();
    assertThatThrownBy(run::await)
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("The run goes on; await() it again");
    assertThat(Thread.interrupted()).isTrue();

    gate.release.countDown();
    assertThat(run.await().steps()).isEqualTo(24);
  }

  @Test
  void aListenerThatFailsDoesNotBreakTheRun() {
    TrainingResult result =
        training()
            .listener(
                event -> {
                  throw new IllegalStateException("broken listener");
                })
            .run();

    assertThat(result.steps()).isEqualTo(24);
  }

  @Test
  void everyWaiterHearsOfAFailure() {
    TrainingRun run =
        Training.of(new TinyModel(2, 0), TinyData.circle(64, 16, 5))
            .backend(new ScriptedBackend().trainLoss(step -> Double.NaN))
            .start();

    assertThatThrownBy(run::await).isInstanceOf(TrainingException.class);
    assertThatThrownBy(() -> run.await(Duration.ofSeconds(1)))
        .isInstanceOf(TrainingException.class);
    assertThat(run.progress().state()).isEqualTo(TrainingProgress.State.FAILED);
  }
}
