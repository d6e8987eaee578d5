package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A candidate that goes wrong under traffic is out within five seconds, and nobody notices. */
class FaultInjectionTest {
  private static final Duration FIVE_SECONDS = Duration.ofSeconds(5);
  private static final long HALF_SECOND = Duration.ofMillis(500).toNanos();
  private static final Duration P99 = Duration.ofMillis(100);

  /** Threads of a busy machine wait for each other; only a fault shall be slower than this. */
  private static final Duration REAL_P99 = Duration.ofSeconds(1);

  /** What goes wrong. */
  private enum Fault {
    SLOW((model, p99) -> model.takes = p99.multipliedBy(6).dividedBy(5)),
    FAILING((model, p99) -> model.failing = true),
    HANGING((model, p99) -> model.hanging = true),
    WRONG((model, p99) -> model.label = row -> "ham");

    private final BiConsumer<ScriptedModel, Duration> inject;

    Fault(BiConsumer<ScriptedModel, Duration> inject) {
      this.inject = inject;
    }
  }

  private static RolloutBuilder guarded(QualityGuard quality, Duration p99) {
    return Rollout.of("spam-filter", "production")
        .strategy(Strategy.canary().step(0.2, Duration.ofHours(1), 0).comparing(0.2))
        .guard(SlaGuard.over(Duration.ofSeconds(10)).p99(p99).errorRate(0.01))
        .guard(quality)
        .patience(p99.multipliedBy(2))
        .seed(3);
  }

  private static PairedFeedback<Answer, String> judged(
      RolloutDeployment live, QualityGuard quality) {
    PairedFeedback<Answer, String> feedback =
        PairedFeedback.to(quality, (answer, truth) -> answer.label().equals(truth) ? 1 : 0);
    live.onCompared(feedback);
    return feedback;
  }

  /** 200 requests a second for a healthy minute, then the fault; time is the test's. */
  @ParameterizedTest
  @EnumSource(names = {"SLOW", "FAILING", "WRONG"})
  void isRolledBackWithinFiveSecondsOfTheFault(Fault fault) {
    TestTime time = new TestTime();
    ScriptedModel candidate = new ScriptedModel(2, time);
    ScriptedModel champion = new ScriptedModel(1, time);
    champion.takes = Duration.ofMillis(4);
    candidate.takes = Duration.ofMillis(4);
    QualityGuard quality = QualityGuard.noWorseBy(0.05, 0.05);
    RolloutDeployment live =
        guarded(quality, P99)
            .clock(time)
            .nanoClock(time::nanos)
            .byHand(Runnable::run)
            .begin(champion, candidate);
    PairedFeedback<Answer, String> feedback = judged(live, quality);
    live.rollout().tick();
    int mail = 0;
    while (time.nanos() < Duration.ofMinutes(1).toNanos()) {
      mail = request(live, feedback, mail, time);
    }
    assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.RUNNING);

    fault.inject.accept(candidate, P99);
    long since = time.nanos();
    while (!live.rollout().state().phase().ended()
        && time.nanos() - since < Duration.ofMinutes(1).toNanos()) {
      mail = request(live, feedback, mail, time);
    }
    assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(Duration.ofNanos(time.nanos() - since)).isLessThan(FIVE_SECONDS);
    assertThat(live.stats().failed()).isZero();
    assertThat(live.stats().answered()).isEqualTo(mail);
  }

  /** The driver looks every half second. */
  private static int request(
      RolloutDeployment live, PairedFeedback<Answer, String> feedback, int mail, TestTime time) {
    long before = time.nanos() / HALF_SECOND;
    live.forKey("mail-" + mail).predict("win");
    feedback.truth("mail-" + mail, "spam");
    if (time.nanos() / HALF_SECOND > before) {
      live.rollout().tick();
    }
    return mail + 1;
  }

  /** The same with the real clock, threads that call and a driver of its own. */
  @Tag("heavy")
  @ParameterizedTest
  @EnumSource
  void isRolledBackWithinFiveSecondsByTheRealClock(Fault fault) throws Exception {
    TestTime unused = new TestTime();
    ScriptedModel scripted = new ScriptedModel(2, unused);
    Deployment candidate = new PacedModel(scripted);
    Deployment champion = new PacedModel(new ScriptedModel(1, unused));
    QualityGuard quality = QualityGuard.noWorseBy(0.05, 0.05);
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    Consumer<RolloutState> listener =
        state -> {
          if (state.phase() == RolloutPhase.RUNNING) {
            running.countDown();
          }
          if (state.phase().ended()) {
            ended.countDown();
          }
        };
    AtomicLong asked = new AtomicLong();
    AtomicLong answered = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    int callers = 8;
    ExecutorService pool = Executors.newFixedThreadPool(callers);
    try (RolloutDeployment live =
        guarded(quality, REAL_P99)
            .clock(Clock.systemUTC())
            .listener(listener)
            .begin(champion, candidate)) {
      PairedFeedback<Answer, String> feedback = judged(live, quality);
      assertThat(running.await(30, TimeUnit.SECONDS)).isTrue();
      CountDownLatch warm = new CountDownLatch(2_000);
      List<Future<?>> calling = new ArrayList<>();
      for (int c = 0; c < callers; c++) {
        calling.add(
            pool.submit(
                () -> {
                  while (!stop.get()) {
                    String key = "mail-" + asked.incrementAndGet();
                    live.forKey(key).predict("win");
                    answered.incrementAndGet();
                    feedback.truth(key, "spam");
                    warm.countDown();
                  }
                }));
      }
      assertThat(warm.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.RUNNING);

      fault.inject.accept(scripted, REAL_P99);
      long since = System.nanoTime();
      assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
      Duration took = Duration.ofNanos(System.nanoTime() - since);
      stop.set(true);
      for (Future<?> one : calling) {
        one.get(30, TimeUnit.SECONDS);
      }
      assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
      assertThat(took).as(live.rollout().state().reason()).isLessThan(FIVE_SECONDS);
      assertThat(answered).hasValue(asked.get());
      assertThat(live.stats().failed()).isZero();
      assertThat(live.stats().answered()).isEqualTo(asked.get());
    } finally {
      stop.set(true);
      pool.shutdown();
    }
  }

  @Test
  void aHealthyCandidateIsNotRolledBackByChance() {
    TestTime time = new TestTime();
    ScriptedModel candidate = new ScriptedModel(2, time);
    QualityGuard quality = QualityGuard.noWorseBy(0.05, 0.05);
    RolloutDeployment live =
        guarded(quality, P99)
            .clock(time)
            .nanoClock(time::nanos)
            .byHand(Runnable::run)
            .begin(new ScriptedModel(1, time), candidate);
    PairedFeedback<Answer, String> feedback = judged(live, quality);
    live.rollout().tick();
    for (int mail = 0; mail < 20_000; mail++) {
      boolean unlucky = mail % 250 == 0;
      candidate.takes = Duration.ofMillis(unlucky ? 150 : 3);
      request(live, feedback, mail, time);
    }
    assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.RUNNING);
    assertThat(live.rollout().findings())
        .allSatisfy((name, finding) -> assertThat(finding.kind()).isEqualTo(Finding.Kind.GOOD));
  }
}
