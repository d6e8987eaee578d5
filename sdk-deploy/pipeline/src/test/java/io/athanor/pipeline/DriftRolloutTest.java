package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.deploy.AlertGuard;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.monitor.AlertRule;
import io.athanor.deploy.monitor.MonitoredDeployment;
import io.athanor.deploy.monitor.Monitoring;
import io.athanor.deploy.rollout.RolloutDeployment;
import io.athanor.deploy.rollout.Strategy;
import io.athanor.deploy.serve.InProcess;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The baseline that travels with a version decides about its rollout. */
class DriftRolloutTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final SplittableRandom random = new SplittableRandom(7);

  @TempDir private Path home;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = ModelRegistry.in(home.resolve("models")).open();
    ModelVersion first = registry.register("plane", trained(0));
    registry.promote(first, "production").apply();
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  @Test
  void aCandidateWhoseWorldIsTheRealOneIsPromoted() throws Exception {
    ModelVersion candidate = registry.register("plane", trained(0));

    RolloutState end = rollOut(candidate);

    assertThat(end.phase()).as(end.reason()).isEqualTo(RolloutPhase.PROMOTED);
    assertThat(registry.alias("plane", "production")).isEqualTo(candidate);
  }

  @Test
  void aCandidateMadeForAnotherWorldIsRolledBack() throws Exception {
    ModelVersion champion = registry.alias("plane", "production");
    ModelVersion candidate = registry.register("plane", trained(0.8));

    RolloutState end = rollOut(candidate);

    assertThat(end.phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(end.reason()).startsWith("drift: DRIFT ").contains("x, value: kolmogorov smirnov");
    assertThat(registry.alias("plane", "production")).isEqualTo(champion);
  }

  @Test
  void driftNeedsABaseline() {
    ModelVersion champion = registry.alias("plane", "production");
    try (MonitoredDeployment bare = new Monitoring().watch(serving().deploy(champion))) {
      assertThatThrownBy(() -> AlertGuard.of(bare.monitor(), new AlertRule.Drift()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("monitor must have a baseline to find drift; give it to");
    }
  }

  /** Serves points around zero until the rollout has ended. */
  private RolloutState rollOut(ModelVersion candidate) throws Exception {
    CompletableFuture<RolloutState> end = new CompletableFuture<>();
    MonitoredDeployment watched =
        new Monitoring()
            .baseline(candidate.artifact().baseline())
            .watch(serving().deploy(candidate));
    try (RolloutDeployment live =
        RegistryRollout.of(registry, "plane", "production")
            .builder()
            .strategy(
                Strategy.shadow(0.5, Duration.ZERO, 20)
                    .then(Strategy.canary().step(0.5, Duration.ZERO, 20)))
            .guard(AlertGuard.of(watched.monitor(), new AlertRule.Drift()))
            .period(Duration.ofMillis(20))
            .listener(
                state -> {
                  if (state.phase().ended()) {
                    end.complete(state);
                  }
                })
            .begin(serving().deploy(registry.alias("plane", "production")), watched)) {
      long limit = System.nanoTime() + PATIENCE.toNanos();
      while (!end.isDone() && System.nanoTime() - limit < 0) {
        live.predict(point(0));
      }
      return end.get(0, TimeUnit.SECONDS);
    }
  }

  private InProcess serving() {
    return Deployments.inProcess().backend(backend);
  }

  private ModelArtifact trained(double center) {
    List<Row> points = Stream.generate(() -> point(center)).limit(1_000).toList();
    return Plane.trained(points, backend);
  }

  private Row point(double center) {
    return Plane.point(center, random);
  }
}
