package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.athanor.api.backend.BackendOptions;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Usage;
import io.athanor.deploy.Deployments;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsageRecorderTest {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path temp;
  private final TestClock clock = TestClock.at(NOON);
  private final Turns turns = new Turns();
  private UnreliableDatabase database;
  private ModelRegistry registry;
  private ModelVersion version;
  private Answering live;

  @BeforeEach
  void open() throws Exception {
    Path folder = Files.createDirectory(temp.resolve("registry"));
    database = new UnreliableDatabase(folder.resolve("registry.db"));
    registry = ModelRegistry.in(folder).database(database).clock(clock).open();
    version = registry.register("prices", TinyArtifacts.prices());
    live = new Answering(version);
  }

  @AfterEach
  void close() {
    turns.shutdownNow();
    database.reachable = true;
    registry.close();
  }

  private UsageRecorder.Builder recorder() {
    return UsageRecorder.of(registry, version, live).clock(clock).scheduler(turns);
  }

  private Usage usage() {
    return registry.usage(version);
  }

  private List<DeploymentRecord> records() {
    return registry.deployments().of(version.id());
  }

  /** Runs what is due instead of a thread of its own. */
  private static final class Turns extends ScheduledThreadPoolExecutor {
    private @Nullable Runnable task;
    private long nanos;

    Turns() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable command, long initialDelay, long delay, TimeUnit unit) {
      assertThat(initialDelay).isZero();
      task = command;
      nanos = unit.toNanos(delay);
      return schedule(() -> {}, 1, TimeUnit.DAYS);
    }

    void next() {
      Objects.requireNonNull(task).run();
    }
  }

  /** Counts what it is told to count. */
  private static final class Answering implements LiveModel {
    private final ServedModel model;
    private long answered;
    private long failed;
    private long refused;
    private Duration mean = Duration.ZERO;
    private @Nullable BackendException broken;
    private boolean closed;
    private long answeredWhileClosing;

    Answering(ModelVersion version) {
      ModelArtifact artifact = version.artifact();
      this.model =
          new ServedModel(
              version.name(),
              Integer.toString(version.number()),
              artifact.architecture(),
              artifact.weightsDigest(),
              artifact.encoding(),
              Map.of());
    }

    @Override
    public ServedModel model() {
      return model;
    }

    void counts(long answers, long failures, long refusals, Duration average) {
      answered = answers;
      failed = failures;
      refused = refusals;
      mean = average;
    }

    @Override
    public DeploymentStats stats() {
      if (broken != null) {
        throw broken;
      }
      return new DeploymentStats(answered, failed, refused, 0, 0, 0, mean, mean, mean);
    }

    @Override
    public void close() {
      closed = true;
      answered += answeredWhileClosing;
      answeredWhileClosing = 0;
    }
  }

  @Test
  void recordsWhatARealDeploymentAnsweredAndWhereItWas() {
    try (var backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        var served = Deployments.inProcess().backend(backend).deploy(version)) {
      try (UsageRecorder recorder =
          UsageRecorder.of(registry, version, served)
              .at("production", "host-1")
              .clock(clock)
              .scheduler(turns)
              .start()) {
        turns.next();
        assertThat(registry.deployments().live())
            .extracting(DeploymentRecord::version)
            .containsExactly(version.id());
        for (int i = 0; i < 3; i++) {
          served.predict(Map.of("area", 60.0));
        }
        clock.advance(HOUR);
        recorder.flush();

        assertThat(usage().requests()).isEqualTo(3);
        assertThat(usage().errors()).isZero();
        assertThat(usage().latency()).isEqualTo(served.stats().mean().multipliedBy(3)).isPositive();
        assertThat(usage().last()).contains(clock.instant());
        served.predict(Map.of("area", 60.0));
        clock.advance(HOUR);
      }
      assertThatThrownBy(() -> served.predict(Map.of("area", 60.0)))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(usage().requests()).isEqualTo(4);
    assertThat(records())
        .singleElement()
        .satisfies(
            record -> {
              assertThat(record).hasToString("prices:1 in production at host-1");
              assertThat(record.since()).isEqualTo(NOON);
              assertThat(record.until()).contains(NOON.plus(HOUR).plus(HOUR));
            });
  }

  @Test
  void addsOnlyWhatIsNew() {
    UsageRecorder recorder = recorder().start();
    live.counts(10, 1, 2, Duration.ofMillis(4));
    turns.next();
    turns.next();
    assertThat(usage()).isEqualTo(Usage.of(13, 3, Duration.ofMillis(40), NOON));

    clock.advance(HOUR);
    turns.next();
    assertThat(usage().last()).contains(NOON);
    live.counts(20, 1, 2, Duration.ofMillis(3));
    turns.next();
    recorder.close();

    assertThat(usage()).isEqualTo(Usage.of(23, 3, Duration.ofMillis(60), NOON.plus(HOUR)));
    assertThat(records()).isEmpty();
  }

  @Test
  void aRoundedMeanNeverTakesLatencyBack() {
    recorder().start();
    live.counts(1_000_000, 0, 0, Duration.ofNanos(1_001));
    turns.next();
    live.counts(1_000_001, 0, 0, Duration.ofNanos(1_000));
    turns.next();

    assertThat(usage().requests()).isEqualTo(1_000_001);
    assertThat(usage().latency()).isEqualTo(Duration.ofNanos(1_001_000_000));
  }

  @Test
  void losesNothingWhileTheRegistryCannotBeReached() {
    database.reachable = false;
    UsageRecorder recorder = recorder().at("production", "host-1").start();
    live.counts(5, 0, 0, Duration.ofMillis(2));
    turns.next();
    clock.advance(HOUR);
    turns.next();
    live.counts(8, 2, 0, Duration.ofMillis(2));
    turns.next();
    Instant lastUse = clock.instant();
    clock.advance(HOUR);
    assertThatThrownBy(recorder::flush).isInstanceOf(StorageException.class);
    assertThat(database.refused).isEqualTo(4);
    assertThat(live.closed).isFalse();

    database.reachable = true;
    turns.next();

    assertThat(usage()).isEqualTo(Usage.of(10, 2, Duration.ofMillis(16), lastUse));
    assertThat(registry.deployments().asOf(NOON))
        .singleElement()
        .satisfies(record -> assertThat(record.since()).isEqualTo(NOON));
  }

  @Test
  void closingAgainRecordsWhatCouldNotBeRecorded() {
    UsageRecorder recorder = recorder().at("production", "host-1").start();
    turns.next();
    live.counts(5, 0, 0, Duration.ofMillis(2));
    live.answeredWhileClosing = 2;
    database.reachable = false;

    assertThatThrownBy(recorder::close).isInstanceOf(StorageException.class);
    assertThat(live.closed).isTrue();
    assertThat(usage()).isEqualTo(Usage.none());

    clock.advance(HOUR);
    database.reachable = true;
    recorder.close();
    recorder.close();

    assertThat(usage().requests()).isEqualTo(7);
    assertThat(records())
        .singleElement()
        .satisfies(record -> assertThat(record.until()).contains(NOON));
  }

  @Test
  void whatAKilledProcessLeftOnRecordEndsWhenItsSuccessorBegins() {
    ModelVersion other = registry.register("sizes", TinyArtifacts.sizes());
    ModelVersion killed = registry.register("prices", TinyArtifacts.prices());
    registry.deployments().begin(killed, "production", "host-1");
    registry.deployments().begin(killed, "production", "host-2");
    registry.deployments().begin(killed, "staging", "host-1");
    registry.deployments().begin(other, "production", "host-1");
    clock.advance(HOUR);
    Instant since = clock.instant();
    UsageRecorder recorder = recorder().onlyAt("production", "host-1").start();
    clock.advance(HOUR);
    turns.next();

    assertThat(registry.deployments().of(killed.id()))
        .extracting(DeploymentRecord::toString, DeploymentRecord::until)
        .containsExactly(
            tuple("prices:2 in production at host-1", Optional.of(since)),
            tuple("prices:2 in production at host-2", Optional.empty()),
            tuple("prices:2 in staging at host-1", Optional.empty()));
    assertThat(registry.deployments().of(other.id()))
        .singleElement()
        .satisfies(record -> assertThat(record.live()).isTrue());
    assertThat(records())
        .singleElement()
        .satisfies(record -> assertThat(record.since()).isEqualTo(since));
    recorder.close();
  }

  @Test
  void severalVersionsMayBeLiveAtOnePlace() {
    ModelVersion beside = registry.register("prices", TinyArtifacts.prices());
    registry.deployments().begin(beside, "production", "host-1");

    recorder().at("production", "host-1").start();
    turns.next();

    assertThat(registry.deployments().live()).hasSize(2);
  }

  @Test
  void aFailureToCountIsTriedAgainToo() {
    recorder().start();
    live.counts(5, 0, 0, Duration.ofMillis(2));
    live.broken = new BackendException("test", "its counts cannot be read", true);
    turns.next();
    assertThat(usage()).isEqualTo(Usage.none());

    live.broken = null;
    turns.next();

    assertThat(usage().requests()).isEqualTo(5);
  }

  @Test
  void runsAtItsInterval() {
    recorder().interval(Duration.ofSeconds(7)).start().close();

    assertThat(turns.nanos).isEqualTo(Duration.ofSeconds(7).toNanos());
    assertThat(turns.getQueue()).allMatch(task -> ((Future<?>) task).isCancelled());
    assertThat(turns.isShutdown()).isFalse();
  }

  @Test
  void aThreadOfItsOwnEndsWithIt() throws InterruptedException {
    live.counts(5, 0, 0, Duration.ofMillis(2));
    UsageRecorder recorder =
        UsageRecorder.of(registry, version, live).clock(clock).interval(HOUR).start();
    Thread thread =
        Thread.getAllStackTraces().keySet().stream()
            .filter(each -> each.getName().equals("athanor-usage-prices:1"))
            .findFirst()
            .orElseThrow();
    assertThat(thread.isDaemon()).isTrue();

    recorder.close();
    thread.join(20_000);

    assertThat(thread.isAlive()).isFalse();
    assertThat(usage().requests()).isEqualTo(5);
  }

  @Test
  void refusesADeploymentOfOtherWeights() {
    ModelVersion other = registry.register("sizes", TinyArtifacts.sizes());

    assertThatThrownBy(() -> UsageRecorder.of(registry, other, live).start())
        .isInstanceOf(ValidationException.class)
        .hasMessage(
            "Invalid recording of sizes:1: the deployment of prices:1 answers with weights "
                + live.model().weights().brief()
                + ", the version has "
                + TinyArtifacts.sizes().weightsDigest().brief());
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder().interval(Duration.ZERO))
        .withMessageContaining("interval must be above 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder().interval(Duration.ofDays(2)))
        .withMessageContaining("up to a day");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder().at("production", " "))
        .withMessageContaining("target");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder().at("no/such place", "host"))
        .withMessageContaining("environment");
  }
}
