package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.data.Baseline;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.Row;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import io.athanor.api.data.Traits;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.deploy.serve.OutOfTime;
import io.athanor.tck.fixture.TestClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class MonitorTest {
  private static final Row ADULT = Row.of("age", 30.0);

  private final TestClock clock = TestClock.standing();
  private final AtomicLong nanos = new AtomicLong();
  private final ScriptedDeployment deployment = new ScriptedDeployment();
  private final List<Alert> alerts = new ArrayList<>();

  @Test
  void countsAnswersLatenciesAndErrorsByKind() {
    MonitoredDeployment live = settings().watch(deployment);
    for (int i = 1; i <= 100; i++) {
      takes(Duration.ofMillis(i));
      live.predict(ADULT);
    }
    fails(new FormatException("input", "no such column"));
    assertThatThrownBy(() -> live.predict(ADULT)).isInstanceOf(FormatException.class);
    fails(new BackendException("test", "busy", true));
    assertThatThrownBy(() -> live.predict(ADULT)).isInstanceOf(BackendException.class);
    fails(new BackendException("test", "broken"));
    assertThatThrownBy(() -> live.predictAll(List.of(ADULT))).isInstanceOf(BackendException.class);
    assertThat(live.predictAsync(ADULT)).isCompletedExceptionally();
    clock.advance(Duration.ofSeconds(50));

    ServingWindow window = live.monitor().window();

    assertThat(window.answered()).isEqualTo(100);
    assertThat(window.perSecond()).isEqualTo(2);
    assertThat(window.errors())
        .containsOnly(
            Map.entry(ErrorKind.REQUEST, 1L),
            Map.entry(ErrorKind.OVERLOAD, 1L),
            Map.entry(ErrorKind.FAILURE, 2L));
    assertThat(window.errorRate()).isCloseTo(3.0 / 103, within(1e-12));
    assertThat(window.median().toMillis()).isBetween(49L, 51L);
    assertThat(window.p99().toMillis()).isBetween(98L, 100L);
    assertThat(window.slowest().toMillis()).isBetween(100L, 101L);
  }

  @Test
  void forgetsWhatIsOlderThanTheWindow() {
    MonitoredDeployment live = settings().watch(deployment);
    live.predict(ADULT);
    assertThat(live.monitor().window().answered()).isEqualTo(1);
    clock.advance(Duration.ofSeconds(50));
    assertThat(live.monitor().window().answered()).isEqualTo(1);
    live.predict(ADULT);
    assertThat(live.monitor().window().answered()).isEqualTo(2);
    clock.advance(Duration.ofSeconds(15));
    assertThat(live.monitor().window().answered()).isEqualTo(1);
    clock.advance(Duration.ofDays(3));

    assertThat(live.monitor().window().answered()).isZero();
    assertThat(live.monitor().window().errorRate()).isZero();
  }

  @Test
  void findsDriftOfRowsAndAnswersAgainstTheBaselineAndSaysWhenItIsOver() {
    MonitoredDeployment live =
        settings()
            .baseline(Optional.of(baseline(40)))
            .alert(new AlertRule.Drift())
            .watch(deployment);
    ask(live, 300, 40);
    assertThat(live.monitor().check()).isEmpty();
    assertThat(live.monitor().drift().orElseThrow().traits()).hasSize(4);
    assertThat(live.monitor().drift().orElseThrow().drifted()).isEmpty();

    clock.advance(Duration.ofMinutes(2));
    ask(live, 300, 14);
    live.monitor().check();

    assertThat(live.monitor().drift().orElseThrow().drifted())
        .extracting(TraitDrift::trait)
        .containsExactlyInAnyOrder(
            new Trait("age", Aspect.VALUE), new Trait("group", Aspect.PREDICTION));
    assertThat(alerts).hasSize(1);
    assertThat(alerts.get(0).model()).isEqualTo("ages:3");
    assertThat(alerts.get(0).state()).isEqualTo(Alert.State.FIRING);
    assertThat(alerts.get(0).message()).contains("DRIFT age, value").contains("group, prediction");

    clock.advance(Duration.ofMinutes(2));
    ask(live, 300, 40);
    live.monitor().check();

    assertThat(alerts).hasSize(2);
    assertThat(alerts.get(1).state()).isEqualTo(Alert.State.RESOLVED);
  }

  @Test
  void aRuleIsSilentUntilItsCooldownIsOver() {
    MonitoredDeployment live =
        settings()
            .alert(new AlertRule.ErrorRate(0.1, 10))
            .cooldown(Duration.ofMinutes(5))
            .watch(deployment);
    fails(new BackendException("test", "broken"));
    refuse(live, 9);
    assertThat(live.monitor().check()).as("too few requests").isEmpty();
    refuse(live, 1);
    assertThat(live.monitor().check()).hasSize(1);
    assertThat(live.monitor().check()).as("told already").isEmpty();
    clock.advance(Duration.ofMinutes(4));
    refuse(live, 20);
    assertThat(live.monitor().check()).as("cooling down").isEmpty();
    clock.advance(Duration.ofMinutes(1));
    refuse(live, 20);

    assertThat(live.monitor().check()).hasSize(1);

    assertThat(alerts).hasSize(2);
    assertThat(alerts.get(0).rule()).isEqualTo("error-rate");
    assertThat(alerts.get(0).value()).isEqualTo(1);
    assertThat(alerts.get(0).message())
        .isEqualTo("100.00 % of 10 requests got no answer, the limit is 10.00 %");
  }

  @Test
  void slowAnswersAndDiscontentAreTold() {
    MonitoredDeployment live =
        settings()
            .alert(new AlertRule.SlowAnswers(Duration.ofMillis(20), 5))
            .alert(new AlertRule.Dissatisfaction(0.5, 2))
            .watch(deployment);
    takes(Duration.ofMillis(30));
    for (int i = 0; i < 5; i++) {
      live.predict(ADULT);
    }
    live.monitor().give(Feedback.of(live.ask(ADULT).id(), new Opinion.Rejected()));
    live.monitor().give(Feedback.of(live.ask(ADULT).id(), new Opinion.Rated(2)));

    live.monitor().check();

    assertThat(alerts).extracting(Alert::rule).containsExactly("slow-answers", "dissatisfaction");
    assertThat(alerts.get(1).value()).isEqualTo(0.125);
    assertThat(live.monitor().window().opinions()).isEqualTo(2);
  }

  @Test
  void aBrokenChannelDoesNotKeepTheOthersFromHearing() {
    Monitoring settings = new Monitoring().checkEvery(Duration.ZERO).clock(clock);
    MonitoredDeployment live =
        settings
            .channel(
                alert -> {
                  throw new IllegalStateException("broken channel");
                })
            .channel(alerts::add)
            .channel(AlertChannel.log())
            .alert(new AlertRule.ErrorRate(0, 1))
            .watch(deployment);
    fails(new BackendException("test", "broken"));
    refuse(live, 1);

    live.monitor().check();

    assertThat(alerts).hasSize(1);
  }

  @Test
  void looksAtNoMoreRowsThanItWasTold() {
    MonitoredDeployment live =
        settings().baseline(Optional.of(baseline(40))).rowsPerWindow(50).watch(deployment);
    ask(live, 300, 40);
    live.monitor().check();

    assertThat(live.monitor().window().rows()).isEqualTo(5);
    assertThat(live.monitor().window().passedOver()).isEqualTo(295);
    clock.advance(Duration.ofSeconds(6));
    live.monitor().check();
    ask(live, 300, 40);
    live.monitor().check();
    assertThat(live.monitor().window().rows()).isEqualTo(10);
  }

  @Test
  void itsOwnThreadLooksAndTells() throws InterruptedException {
    CountDownLatch told = new CountDownLatch(1);
    MonitoredDeployment live =
        new Monitoring()
            .alert(new AlertRule.ErrorRate(0, 1))
            .channel(alert -> told.countDown())
            .checkEvery(Duration.ofMillis(1))
            .watch(deployment);
    fails(new BackendException("test", "broken"));
    refuse(live, 1);

    assertThat(told.await(30, TimeUnit.SECONDS)).isTrue();

    live.close();
    assertThat(deployment.closed).isTrue();
  }

  @Test
  void feedbackToAnUnknownAnswerIsRefused() {
    MonitoredDeployment live = settings().watch(deployment);

    assertThatThrownBy(() -> live.monitor().give(Feedback.of("nothing", new Opinion.Accepted())))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No answer 'nothing' of ages:3");
  }

  @Test
  void channelsThatComeLaterAreToldUntilTheyGo() {
    MonitoredDeployment live =
        settings()
            .alert(new AlertRule.ErrorRate(0.1, 10))
            .cooldown(Duration.ZERO)
            .watch(deployment);
    List<Alert> later = new ArrayList<>();
    AlertChannel channel = later::add;
    fails(new BackendException("test", "broken"));
    refuse(live, 10);
    live.monitor().add(channel);
    live.monitor().check();
    assertThat(later).hasSize(1).isEqualTo(alerts);

    live.monitor().remove(channel);
    live.monitor().check();

    assertThat(alerts).hasSize(2);
    assertThat(later).hasSize(1);
  }

  @Test
  void anAnswerWithAnIdOfTheCallersCanBeSpokenOfAsSoonAsItIsThere() {
    MonitoredDeployment live = settings().watch(deployment);
    List<Boolean> kept = new ArrayList<>();
    CompletableFuture<Void> spoken =
        live.predictAsync(ADULT, "mine")
            .thenAccept(
                answer ->
                    kept.add(live.monitor().give(Feedback.of("mine", new Opinion.Accepted()))));
    assertThat(spoken).isCompleted();
    assertThat(live.predictAll(List.of(ADULT, ADULT), List.of("a", "b"))).hasSize(2);
    kept.add(live.monitor().give(Feedback.of("b", new Opinion.Rejected()).withConsentOf("anna")));

    assertThat(kept).as("there is no log").containsExactly(false, false);
    assertThat(live.monitor().window().satisfaction()).hasValue(0.5);
    assertThat(live.monitor().erase("anna")).isZero();
    assertThatThrownBy(() -> live.predictAll(List.of(ADULT), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ids must be as many as rows, 1, got 0");
    fails(new BackendException("test", "broken"));
    assertThat(live.predictAsync(ADULT, "other")).isCompletedExceptionally();
    assertThatThrownBy(() -> live.monitor().give(Feedback.of("other", new Opinion.Accepted())))
        .isInstanceOf(NotFoundException.class);
  }

  @Test
  void onlyTheFirstOpinionOfAnAnswerCounts() {
    MonitoredDeployment live = settings().watch(deployment);
    String id = live.ask(ADULT).id();
    live.monitor().give(Feedback.of(id, new Opinion.Accepted()));
    for (int i = 0; i < 9; i++) {
      live.monitor().give(Feedback.of(id, new Opinion.Rejected()));
    }

    assertThat(live.monitor().window().opinions()).isEqualTo(1);
    assertThat(live.monitor().window().satisfaction()).hasValue(1);
  }

  @Test
  void anAnswerThatDidNotComeInTimeIsAnError() {
    MonitoredDeployment live = settings().watch(deployment);
    deployment.hanging = true;
    List<CompletableFuture<?>> asked = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      asked.add(live.predictAsync(ADULT, "late " + i));
    }
    asked.get(0).completeExceptionally(new OutOfTime());
    asked.get(1).completeExceptionally(new TimeoutException());
    asked.get(2).cancel(true);

    assertThat(deployment.begun).hasSize(3).allMatch(CompletableFuture::isCancelled);
    assertThat(live.monitor().window().errors())
        .containsOnly(Map.entry(ErrorKind.OVERLOAD, 2L), Map.entry(ErrorKind.CANCELLED, 1L));
    assertThat(live.monitor().window().errorRate()).isEqualTo(1);
  }

  @Test
  void nobodyWaitsForTheEmbedder() {
    AtomicReference<Monitor> monitor = new AtomicReference<>();
    List<Long> seen = new ArrayList<>();
    MonitoredDeployment live =
        settings()
            .baseline(Optional.of(baseline(40)))
            .embedder(
                row -> {
                  var elsewhere = CompletableFuture.supplyAsync(() -> monitor.get().window());
                  seen.add(elsewhere.orTimeout(20, TimeUnit.SECONDS).join().rows());
                  return new float[] {1};
                })
            .watch(deployment);
    monitor.set(live.monitor());
    ask(live, 3, 40);
    live.monitor().check();

    assertThat(seen).containsExactly(0L, 1L, 2L);
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    assertThatThrownBy(() -> new Monitoring().window(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("window must be PT1S to PT168H, got PT0S");
    assertThatThrownBy(() -> new Monitoring().rowsPerWindow(0)).hasMessageContaining("at least 10");
    assertThatThrownBy(() -> new AlertRule.ErrorRate(1.5, 1)).hasMessageContaining("a share");
    assertThatThrownBy(() -> new AlertRule.SlowAnswers(Duration.ZERO, 1))
        .hasMessageContaining("above must be positive");
    assertThatThrownBy(() -> new Opinion.Rated(6)).hasMessage("stars must be 1 to 5, got 6");
  }

  private Monitoring settings() {
    return new Monitoring()
        .window(Duration.ofMinutes(1))
        .checkEvery(Duration.ZERO)
        .channel(alerts::add)
        .clock(clock)
        .nanoClock(nanos::get);
  }

  private Baseline baseline(double meanAge) {
    Traits traits = Traits.of(ScriptedDeployment.MODEL.encoding());
    BaselineSketch sketch = new BaselineSketch();
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      Row row = Row.of("age", meanAge + 10 * random.nextGaussian());
      traits.read(row, sketch);
      String label = ((Double) row.cell("age")) >= 18 ? "adult" : "child";
      sketch.category(new Trait("group", Aspect.PREDICTION), label);
      sketch.number(new Trait("group", Aspect.CONFIDENCE), 0.9);
    }
    return sketch.baseline();
  }

  private static void ask(MonitoredDeployment live, int times, double meanAge) {
    Random random = new Random(2);
    for (int i = 0; i < times; i++) {
      live.predict(Row.of("age", meanAge + 10 * random.nextGaussian()));
    }
  }

  private void takes(Duration time) {
    ScriptedDeployment other = new ScriptedDeployment();
    deployment.answer =
        row -> {
          nanos.addAndGet(time.toNanos());
          return other.answer.apply(row);
        };
  }

  private void fails(RuntimeException with) {
    deployment.answer =
        row -> {
          throw with;
        };
  }

  private static void refuse(MonitoredDeployment live, int times) {
    for (int i = 0; i < times; i++) {
      assertThatThrownBy(() -> live.predict(ADULT)).isInstanceOf(RuntimeException.class);
    }
  }
}
