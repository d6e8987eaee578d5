package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Row;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import io.athanor.api.deploy.Answer;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.data.Dataset;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.monitor.Alert;
import io.athanor.deploy.monitor.AlertRule;
import io.athanor.deploy.monitor.Asked;
import io.athanor.deploy.monitor.Feedback;
import io.athanor.deploy.monitor.FeedbackLog;
import io.athanor.deploy.monitor.MonitoredDeployment;
import io.athanor.deploy.monitor.Monitoring;
import io.athanor.deploy.monitor.Opinion;
import io.athanor.deploy.monitor.TraitDrift;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MonitoredModelTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void aTrainedModelNoticesByItsOwnBaselineThatTheWorldHasChanged() {
    ModelArtifact trained = trained();
    Baseline baseline = trained.baseline().orElseThrow();
    assertThat(baseline.distributions())
        .containsKeys(
            new Trait("x", Aspect.VALUE),
            new Trait("side", Aspect.PREDICTION),
            new Trait("side", Aspect.CONFIDENCE));
    assertThat(baseline.distributions().get(new Trait("side", Aspect.PREDICTION)).count())
        .isEqualTo(200);
    ArtifactFolder.write(trained, home.resolve("model"));
    ModelArtifact read = ArtifactFolder.read(home.resolve("model"));
    TestClock clock = TestClock.standing();
    List<Alert> alerts = new ArrayList<>();
    try (MonitoredDeployment live =
        new Monitoring()
            .baseline(read.baseline())
            .alert(new AlertRule.Drift())
            .channel(alerts::add)
            .checkEvery(Duration.ZERO)
            .clock(clock)
            .watch(Deployments.inProcess().backend(backend).deploy("plane", read))) {
      live.predictAll(points(400, 0, 5));
      assertThat(live.monitor().check()).isEmpty();
      clock.advance(Duration.ofHours(1));
      live.predictAll(points(400, 0.8, 6));

      live.monitor().check();

      assertThat(alerts).hasSize(1);
      assertThat(live.monitor().drift().orElseThrow().drifted())
          .extracting(TraitDrift::trait)
          .contains(new Trait("x", Aspect.VALUE), new Trait("side", Aspect.PREDICTION))
          .doesNotContain(new Trait("x", Aspect.PRESENCE));
    }
  }

  @Test
  void whatPeopleCorrectBecomesDataToLearnFromUntilTheyTakeItBack() {
    try (FeedbackLog log = FeedbackLog.open(home.resolve("feedback"));
        MonitoredDeployment live =
            new Monitoring()
                .feedback(log)
                .checkEvery(Duration.ZERO)
                .watch(Deployments.inProcess().backend(backend).deploy("plane", trained()))) {
      List<Row> asked = points(12, 0, 9);
      List<String> right = new ArrayList<>();
      for (int i = 0; i < asked.size(); i++) {
        Asked<Answer> answer = live.ask(asked.get(i));
        String label = answer.answer().label();
        String other = label.equals("above") ? "below" : "above";
        live.monitor().give(given(answer.id(), new Opinion.Corrected(label), i));
        boolean accepted = i % 2 == 0;
        right.add(accepted ? label : other);
        Opinion last = accepted ? new Opinion.Accepted() : new Opinion.Corrected(other);
        live.monitor().give(given(answer.id(), last, i));
        live.monitor().give(given(answer.id(), new Opinion.Rated(3), i));
      }
      Asked<Answer> rejected = live.ask(asked.get(0));
      live.monitor().give(given(rejected.id(), new Opinion.Rejected(), 0));

      Dataset data = Dataset.from(FeedbackRows.of(log, "side")).number("x", "y").label("side");

      assertThat(data.rows().size()).isEqualTo(12);
      for (int i = 0; i < 12; i++) {
        assertThat(data.rows().row(i).cell("x")).isEqualTo(asked.get(i).cell("x"));
        assertThat(data.rows().row(i).cell("side")).isEqualTo(right.get(i));
      }
      assertThat(log.erase("person0")).isEqualTo(13);
      assertThat(
              Dataset.from(FeedbackRows.of(log, "side"))
                  .number("x", "y")
                  .label("side")
                  .rows()
                  .size())
          .isEqualTo(8);
    }
  }

  private static Feedback given(String answer, Opinion opinion, int number) {
    return Feedback.of(answer, opinion).withConsentOf("person" + number % 3);
  }

  private ModelArtifact trained() {
    return Plane.trained(points(1_000, 0, 3), backend);
  }

  private static List<Row> points(int count, double center, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return Stream.generate(() -> Plane.point(center, random)).limit(count).toList();
  }
}
