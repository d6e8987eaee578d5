package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.registry.JobOutput;
import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.Search.Sort;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import io.athanor.tck.fixture.TestClock;
import io.athanor.tck.fixture.TinyArtifacts;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SearchTest extends RegistryContract {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path temp;
  private final TestClock clock = TestClock.at(START);
  private ModelRegistry registry;

  /** One version an hour. */
  @BeforeEach
  void fill() {
    registry = store.in(temp.resolve("registry")).clock(clock).open();
    register("spam-filter", "mail", Map.of("f1", 0.90));
    ModelVersion second = register("spam-filter", "mail", Map.of("f1", 0.95, "recall", 0.5));
    register("spam_filter", "research", Map.of("f1", 0.99));
    registry.register("prices", TinyArtifacts.prices());
    registry.register("antispam", TinyArtifacts.spam());
    registry.promote(second, "production").apply();
  }

  private ModelVersion register(String name, String team, Map<String, Double> metrics) {
    ModelVersion version =
        registry
            .registration(name, TestModels.folder(temp, name))
            .tag("team", team)
            .report(TestModels.report(metrics))
            .register();
    clock.advance(Duration.ofHours(1));
    return version;
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private List<String> found(Search search) {
    SearchPage page = registry.search(search);
    assertThat(page.total()).isEqualTo(page.versions().size());
    return page.versions().stream().map(v -> v.id().toString()).toList();
  }

  @Test
  void givesEverythingNewestFirst() {
    assertThat(found(Search.all()))
        .containsExactly(
            "antispam:1", "prices:1", "spam_filter:1", "spam-filter:2", "spam-filter:1");
  }

  @Test
  void findsByName() {
    assertThat(found(Search.name("spam")))
        .containsExactlyInAnyOrder("antispam:1", "spam_filter:1", "spam-filter:2", "spam-filter:1");
    assertThat(found(Search.namePrefix("spam-")))
        .containsExactlyInAnyOrder("spam-filter:2", "spam-filter:1");
    assertThat(found(Search.name("SPAM-"))).hasSize(2);
    assertThat(found(Search.name("m_f"))).containsExactly("spam_filter:1");
    assertThat(found(Search.name("%"))).isEmpty();
    assertThat(found(Search.name("' OR 1=1 --"))).isEmpty();
  }

  @Test
  void findsByMetric() {
    assertThat(found(Search.all().metricAtLeast("f1", 0.95)))
        .containsExactlyInAnyOrder("spam_filter:1", "spam-filter:2");
    assertThat(found(Search.all().metricAtMost("f1", 0.95)))
        .containsExactlyInAnyOrder("spam-filter:1", "spam-filter:2");
    assertThat(found(Search.all().metricBetween("f1", 0.91, 0.98).metricAtLeast("recall", 0.5)))
        .containsExactly("spam-filter:2");
    assertThat(found(Search.all().metricAtLeast("recall", 0.6))).isEmpty();
  }

  @Test
  void findsByTagTaskArchitectureAndAlias() {
    assertThat(found(Search.name("spam").tag("team", "research"))).containsExactly("spam_filter:1");
    assertThat(found(Search.all().tag("team", "none"))).isEmpty();
    assertThat(found(Search.all().task("regression"))).containsExactly("prices:1");
    assertThat(found(Search.all().architecture(TinyArtifacts.spam().architecture())))
        .contains("antispam:1")
        .doesNotContain("spam-filter:1");
    assertThat(found(Search.all().alias("production"))).containsExactly("spam-filter:2");
  }

  @Test
  void findsByTimeOfRegistration() {
    Instant second = START.plus(Duration.ofHours(1));
    assertThat(found(Search.all().createdBefore(second))).containsExactly("spam-filter:1");
    assertThat(found(Search.all().createdFrom(second).createdBefore(second.plusSeconds(1))))
        .containsExactly("spam-filter:2");
    assertThat(found(Search.all().createdFrom(Instant.MIN).createdBefore(Instant.MAX))).hasSize(5);
  }

  @Test
  void sorts() {
    assertThat(found(Search.name("spam").sortBy(new Sort.ByMetric("f1", true))))
        .containsExactly("spam_filter:1", "spam-filter:2", "spam-filter:1", "antispam:1");
    assertThat(found(Search.name("spam").sortBy(new Sort.ByMetric("f1", false))))
        .containsExactly("spam-filter:1", "spam-filter:2", "spam_filter:1", "antispam:1");
    assertThat(found(Search.all().sortBy(new Sort.ByName(false))))
        .containsExactly(
            "antispam:1", "prices:1", "spam-filter:2", "spam-filter:1", "spam_filter:1");
    assertThat(found(Search.all().sortBy(new Sort.ByCreated(false))).get(0))
        .isEqualTo("spam-filter:1");
  }

  @Test
  void givesPages() {
    SearchPage page =
        registry.search(Search.name("spam").sortBy(new Sort.ByMetric("f1", true)).page(1, 2));

    assertThat(page.versions())
        .extracting(v -> v.id().toString())
        .containsExactly("spam-filter:2", "spam-filter:1");
    assertThat(page.total()).isEqualTo(4);
    assertThat(page.offset()).isEqualTo(1);
    assertThat(registry.search(Search.all().page(100, 10)).versions()).isEmpty();
  }

  @Test
  void findsByWordsWithoutCaseAndAccents() {
    ModelVersion version =
        registry
            .registration("letters", TestModels.folder(temp, "letters"))
            .description("Filtre de courrier FRAN\u00c7AIS, for mail")
            .licence("Apache-2.0")
            .register();
    assertThat(found(Search.all().text("fran\u00e7ais mail")))
        .containsExactly(version.id().toString());
    assertThat(found(Search.all().text("mail FRAN"))).containsExactly(version.id().toString());
    assertThat(found(Search.all().text("fran mail"))).isEmpty();
    assertThat(found(Search.all().text("courrier price"))).isEmpty();
    assertThat(found(Search.all().text("apache-2.0 letters")))
        .containsExactly(version.id().toString());
    assertThat(found(Search.all().text("mail"))).hasSize(3);
    registry.update(version).description("German").apply();
    assertThat(found(Search.all().text("francais"))).isEmpty();
    assertThat(found(Search.all().text("germ"))).containsExactly(version.id().toString());
    registry.delete(version).apply();
    assertThat(found(Search.all().text("letters"))).isEmpty();
  }

  @Test
  void findsByJobAndListsJobs() {
    List<ModelVersion> made = new ArrayList<>();
    for (String job : List.of("nightly", "by hand", "Nightly", "nightly")) {
      made.add(
          registry
              .registration("made", TestModels.folder(temp, "job" + made.size()))
              .job(job)
              .register());
    }
    assertThat(found(Search.all().job("nightly"))).containsExactly("made:4", "made:1");
    assertThat(found(Search.all().job("night"))).isEmpty();
    assertThat(registry.jobs(0, 10))
        .containsExactly(
            output("nightly", made.get(0), made.get(3), 2),
            output("Nightly", made.get(2), made.get(2), 1),
            output("by hand", made.get(1), made.get(1), 1));
    assertThat(registry.jobs(1, 1)).extracting(JobOutput::job).containsExactly("Nightly");
    assertThatThrownBy(() -> registry.jobs(-1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("offset must be at least 0 and limit at least 1, got -1 and 0");
    made.forEach(version -> registry.delete(version).apply());
    assertThat(registry.jobs(0, 10)).isEmpty();
  }

  private static JobOutput output(String job, ModelVersion first, ModelVersion last, long count) {
    return new JobOutput(job, count, first.created().at(), last.created().at());
  }

  @Test
  void findsByWhatFilesSay() {
    assertThat(found(Search.all().type(ModelType.REGRESSION))).containsExactly("prices:1");
    assertThat(found(Search.all().kind(ModelKind.BASE).type(ModelType.CLASSIFICATION)))
        .containsExactly("antispam:1");
    assertThat(found(Search.all().kind(ModelKind.SPECIALIZED))).isEmpty();
    assertThat(found(Search.all().state(VersionState.ACTIVE))).hasSize(5);
    long bytes = registry.version("prices", 1).bytes();
    assertThat(found(Search.all().bytesBetween(bytes, bytes))).containsExactly("prices:1");
    long parameters = registry.version("prices", 1).facts().parameters().orElseThrow();
    assertThat(found(Search.name("pri").parametersBetween(parameters, parameters)))
        .containsExactly("prices:1");
    assertThat(found(Search.all().contextLengthBetween(1, Long.MAX_VALUE))).isEmpty();
    assertThat(found(Search.all().createdBy(registry.principal()))).hasSize(5);
    assertThat(found(Search.all().createdBy(new Principal("nobody")))).isEmpty();
    assertThat(found(Search.all().madeFrom(new VersionId("prices", 1)))).isEmpty();
    registry
        .version("prices", 1)
        .facts()
        .data()
        .forEach(
            fingerprint ->
                assertThat(found(Search.all().trainedOn(fingerprint))).contains("prices:1"));
  }

  @Test
  void sortsByTimeOfChangeAndSize() {
    assertThat(found(Search.all().sortBy(new Sort.ByUpdated(true))))
        .first()
        .isEqualTo("antispam:1");
    List<String> byParameters =
        found(Search.all().sortBy(new Sort.BySize(Search.Measure.PARAMETERS, true)));
    assertThat(byParameters).hasSize(5);
    assertThat(byParameters.subList(0, 2)).containsExactlyInAnyOrder("prices:1", "antispam:1");
    assertThat(byParameters.subList(2, 5))
        .containsExactly("spam_filter:1", "spam-filter:2", "spam-filter:1");
  }

  @Test
  void countsAsFarAsItIsTold() {
    SearchPage some = registry.search(Search.all().page(0, 2).countUpTo(3));
    assertThat(some.total()).isEqualTo(3);
    assertThat(some.exact()).isFalse();
    SearchPage further = registry.search(Search.all().page(2, 2).countUpTo(3));
    assertThat(further.total()).isEqualTo(4);
    assertThat(further.exact()).isFalse();
    SearchPage all = registry.search(Search.all().page(0, 2));
    assertThat(all.total()).isEqualTo(5);
    assertThat(all.exact()).isTrue();
    assertThat(Search.all().countUpTo()).isEqualTo(1000);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.all().countUpTo(-1))
        .withMessage("most must be at least 0, got -1");
  }

  @Test
  void refusesImpossibleSearches() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.all().page(-1, 10))
        .withMessage("offset must be at least 0, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.all().page(0, 0))
        .withMessage("limit must be 1 to 10000, got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.all().metricAtLeast("f1", Double.NaN))
        .withMessageContaining("got NaN");
  }
}
