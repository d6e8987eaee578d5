package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.rollout.RolloutBuilder;
import io.athanor.deploy.rollout.RolloutControl;
import io.athanor.deploy.rollout.RolloutDeployment;
import io.athanor.deploy.rollout.SlaGuard;
import io.athanor.deploy.rollout.Strategy;
import io.athanor.deploy.serve.InProcess;
import io.athanor.registry.ModelRegistry;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.governance.StageRules;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a registered version to traffic, and the alias only at the end. */
class RegistryRolloutTest {
  private static final Principal ANN = new Principal("ann");
  private static final Principal BOB = new Principal("bob");

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelRegistry registry;
  private ModelVersion champion;
  private ModelVersion candidate;

  @BeforeEach
  void prepare() {
    registry = ModelRegistry.in(home.resolve("models")).principal(ANN).open();
    champion = registry.register("spam-filter", TinyArtifacts.spam());
    candidate = registry.register("spam-filter", TinyArtifacts.spam());
    registry.promote(champion, "production").apply();
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private InProcess serving() {
    return Deployments.inProcess().backend(backend);
  }

  private static final class Reached {
    private final CountDownLatch latch = new CountDownLatch(1);
    private final Predicate<RolloutState> wanted;

    Reached(Predicate<RolloutState> wanted) {
      this.wanted = wanted;
    }

    void hear(RolloutState state) {
      if (wanted.test(state)) {
        latch.countDown();
      }
    }

    void await() throws InterruptedException {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  private RolloutDeployment begin(Strategy strategy, Reached reached) {
    return RegistryRollout.of(registry, "spam-filter", "production")
        .begin(serving(), candidate, rollout -> settings(rollout, strategy, reached));
  }

  private static RolloutBuilder settings(
      RolloutBuilder rollout, Strategy strategy, Reached reached) {
    return rollout
        .strategy(strategy)
        .guard(SlaGuard.over(Duration.ofSeconds(10)).errorRate(0.01))
        .period(Duration.ofMillis(20))
        .listener(reached::hear);
  }

  @Test
  void movesTheAliasWhenTheLastStepIsDone() throws Exception {
    Reached promoted = new Reached(state -> state.phase() == RolloutPhase.PROMOTED);
    try (RolloutDeployment live =
        begin(Strategy.canary().step(0.5, Duration.ZERO, 5).step(1, Duration.ZERO, 5), promoted)) {
      assertThat(registry.alias("spam-filter", "production")).isEqualTo(champion);
      while (promoted.latch.getCount() > 0) {
        assertThat(live.predict("won prize").label()).isEqualTo("spam");
      }
      promoted.await();
      assertThat(live.predict("won prize").version()).isEqualTo("2");
    }
    assertThat(registry.alias("spam-filter", "production")).isEqualTo(candidate);
    assertThat(registry.audit().about("spam-filter@production"))
        .extracting(AuditEntry::action)
        .containsExactly(
            "promote", "rollout", "rollout", "rollout", "rollout", "promote", "rollout");

    try (RolloutDeployment again = begin(Strategy.immediate(), promoted)) {
      assertThat(again.rollout().state().phase()).isEqualTo(RolloutPhase.PROMOTED);
      assertThat(again.predict("won prize").version()).isEqualTo("2");
    }
  }

  @Test
  void somebodyElseRollsBackThroughTheRegistry() throws Exception {
    Reached running = new Reached(state -> state.phase() == RolloutPhase.RUNNING);
    Reached back = new Reached(state -> state.phase() == RolloutPhase.ROLLED_BACK);
    try (RolloutDeployment live =
        RegistryRollout.of(registry, "spam-filter", "production")
            .begin(
                serving(),
                candidate,
                rollout ->
                    settings(rollout, Strategy.blueGreen(Duration.ofHours(1), 0), running)
                        .listener(back::hear))) {
      running.await();
      assertThat(live.predict("won prize").version()).isEqualTo("2");
      RolloutControl.of(registry.as(BOB).rollouts(), "spam-filter", "production", BOB)
          .rollBack("complaints");
      back.await();
      assertThat(live.predict("won prize").version()).isEqualTo("1");
      assertThat(live.rollout().state().by()).isEqualTo(BOB);
    }
    assertThat(registry.alias("spam-filter", "production")).isEqualTo(champion);
  }

  @Test
  void aPolicyThatRefusesTheAliasPausesTheRollout() throws Exception {
    StageRules rules = StageRules.of("production").approvals(1).build();
    registry.policy(Policy.none().with(rules), "no more surprises");
    Reached paused = new Reached(state -> state.phase() == RolloutPhase.PAUSED);
    try (RolloutDeployment live = begin(Strategy.immediate(), paused)) {
      paused.await();
      assertThat(live.rollout().state().reason()).startsWith("promotion was refused");
      assertThat(live.predict("won prize").version()).isEqualTo("1");
    }
    assertThat(registry.alias("spam-filter", "production")).isEqualTo(champion);
  }

  @Test
  void whoHasTheAliasNowIsTheChampionOfTheNextAttempt() throws Exception {
    Reached back = new Reached(state -> state.phase() == RolloutPhase.ROLLED_BACK);
    try (RolloutDeployment live = begin(Strategy.blueGreen(Duration.ofHours(1), 0), back)) {
      live.rollout().control().rollBack("complaints");
      back.await();
    }
    ModelVersion third = registry.register("spam-filter", TinyArtifacts.spam());
    registry.promote(third, "production").apply();

    Strategy unseen = Strategy.shadow(0.5, Duration.ofHours(1), 0);
    try (RolloutDeployment live = begin(unseen, new Reached(state -> false))) {
      assertThat(live.predict("won prize").version()).isEqualTo("3");
      assertThat(live.rollout().state().champion()).isEqualTo("spam-filter:3");
    }
  }

  @Test
  void needsAChampion() {
    registry.withdraw("spam-filter", "production").apply();
    assertThatThrownBy(() -> begin(Strategy.immediate(), new Reached(state -> false)))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("alias 'production' of spam-filter");
  }
}
