package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.Usage;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens to versions after their registration. */
class OperationsTest extends RegistryContract {
  private static final Principal ANN = new Principal("ann");
  private static final Principal BOB = new Principal("bob");
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir private Path temp;
  private final TestClock clock = TestClock.at(START);
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).clock(clock).principal(ANN).open();
  }

  @AfterEach
  void everythingIsInOrder() {
    assertThat(registry.verify().problems()).isEmpty();
    registry.close();
  }

  private ModelVersion register(String name) {
    clock.advance(Duration.ofHours(1));
    return registry
        .registration(name, TestModels.folder(temp, name))
        .description("old text")
        .tag("team", "mail")
        .register();
  }

  private List<String> found(Search search) {
    return registry.search(search).versions().stream().map(v -> v.id().toString()).toList();
  }

  @Test
  void changesWhatPeopleSayAndRecordsOnlyWhatIsDifferent() {
    ModelVersion version = register("m");
    clock.advance(Duration.ofHours(1));

    ModelVersion changed =
        registry
            .as(BOB)
            .update(version)
            .description("new text")
            .licence("MIT")
            .tag("team", "mail")
            .tag("tier", "gold")
            .because("it was wrong")
            .apply();

    assertThat(changed.notes().description()).isEqualTo("new text");
    assertThat(changed.notes().licence()).contains("MIT");
    assertThat(changed.notes().tags()).isEqualTo(Map.of("team", "mail", "tier", "gold"));
    assertThat(changed.revision()).isEqualTo(2);
    assertThat(changed.updated()).isEqualTo(ModelVersion.Stamp.of(clock.instant(), BOB));
    assertThat(changed.created()).isEqualTo(version.created());
    assertThat(registry.version("m", 1))
        .usingRecursiveComparison()
        .ignoringFields("folder")
        .isEqualTo(changed);
    AuditEntry entry = registry.audit().head().orElseThrow();
    assertThat(entry.action()).isEqualTo("update");
    assertThat(entry.subject()).isEqualTo("m:1");
    assertThat(entry.before())
        .contains("{\"description\":\"old text\",\"licence\":null,\"tags\":{\"tier\":null}}");
    assertThat(entry.after())
        .contains(
            "{\"description\":\"new text\",\"licence\":\"MIT\",\"tags\":{\"tier\":\"gold\"}}");
    assertThat(entry.reason()).isEqualTo("it was wrong");
  }

  @Test
  void takesBackWhatWasSaid() {
    ModelVersion version =
        registry
            .registration("m", TestModels.folder(temp, "m"))
            .licence("MIT")
            .terms("not for people")
            .specialisation("mail")
            .register();

    ModelVersion changed =
        registry.update(version).withoutLicence().withoutTerms().withoutSpecialisation().apply();

    assertThat(changed.notes()).isEqualTo(ModelNotes.none());
    assertThat(changed.kind()).isEqualTo(version.kind());
    assertThat(changed.folder()).isEqualTo(version.folder());
    assertThat(registry.version("m", 1).notes()).isEqualTo(ModelNotes.none());
    AuditEntry entry = registry.audit().head().orElseThrow();
    assertThat(entry.before())
        .contains("{\"licence\":\"MIT\",\"terms\":\"not for people\",\"specialisation\":\"mail\"}");
    assertThat(entry.after()).contains("{\"licence\":null,\"terms\":null,\"specialisation\":null}");
    assertThat(registry.update(changed).withoutLicence().apply().revision()).isEqualTo(2);
  }

  @Test
  void changesNothingWhereNothingIsDifferent() {
    ModelVersion version = register("m");
    long entries = registry.audit().head().orElseThrow().number();

    ModelVersion same = registry.update(version).description("old text").untag("none").apply();

    assertThat(same.revision()).isEqualTo(1);
    assertThat(registry.audit().head().orElseThrow().number()).isEqualTo(entries);
  }

  @Test
  void doesNotOverwriteWhatSomebodyElseChanged() {
    ModelVersion read = register("m");
    clock.advance(Duration.ofHours(1));
    registry.as(BOB).update(read).untag("team").apply();

    assertThatThrownBy(() -> registry.update(read).tag("team", "web").apply())
        .isInstanceOf(ConflictException.class)
        .hasMessage(
            "m:1 has been changed meanwhile by bob at 2026-01-01T02:00:00Z: expected revision 1,"
                + " found 2. Read it again and repeat the change")
        .satisfies(e -> assertThat(((ConflictException) e).retryable()).isTrue());
    assertThat(registry.version("m", 1).notes().tags()).isEmpty();
  }

  @Test
  void doesNotChangeWhatWasDeletedOrOneMayNot() {
    ModelVersion kept = register("m");
    ModelVersion deleted = register("m");
    registry.delete(deleted).apply();
    assertThatThrownBy(() -> registry.update(deleted).description("x").apply())
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("version m:2");
    assertThatThrownBy(
            () -> registry.recordUse(deleted, Usage.of(1, 0, Duration.ZERO, clock.instant())))
        .isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> registry.deployments().begin(deleted, "production", "host"))
        .isInstanceOf(NotFoundException.class);

    for (Permission permission : Permission.values()) {
      registry.access().allow("administrator", permission);
    }
    registry.access().allow("reader", Permission.READ);
    registry.access().assign("administrator", ANN);
    registry.access().assign("reader", BOB);
    registry.access().enable();
    ModelRegistry bob = registry.as(BOB);
    assertThatThrownBy(() -> bob.update(kept).description("x").apply())
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not update m");
    assertThatThrownBy(() -> bob.changeState(kept, VersionState.ARCHIVED).apply())
        .isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.deployments().begin(kept, "production", "host"))
        .isInstanceOf(AccessDeniedException.class);
    assertThat(bob.statistics().versions()).isEqualTo(1);
  }

  @Test
  void findsAVersionByItsSemanticVersion() {
    registry.registration("m", TestModels.folder(temp, "a")).semanticVersion("1.0.0").register();
    ModelVersion second =
        registry
            .registration("m", TestModels.folder(temp, "b"))
            .semanticVersion("1.1.0-rc.1")
            .register();

    assertThat(registry.version("m", SemanticVersion.of("1.1.0-rc.1"))).isEqualTo(second);
    assertThatThrownBy(() -> registry.version("m", SemanticVersion.of("2.0.0")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No version 2.0.0 of m; there is 1.0.0, 1.1.0-rc.1");
  }

  @Test
  void deprecatesAndArchivesAndTakesItBack() {
    ModelVersion old = register("m");
    ModelVersion fresh = register("m");

    StateChange change =
        registry
            .changeState(old, VersionState.DEPRECATED)
            .successor(fresh)
            .because("it forgets commas");
    assertThat(change.plan().toString()).isEqualTo("m:1: ACTIVE -> DEPRECATED");
    ModelVersion deprecated = change.apply();

    assertThat(deprecated.state()).isEqualTo(VersionState.DEPRECATED);
    assertThat(deprecated.notes().tags()).containsEntry("successor", "m:2");
    assertThat(registry.audit().head().orElseThrow())
        .satisfies(
            entry -> {
              assertThat(entry.action()).isEqualTo("deprecate");
              assertThat(entry.before()).contains("active");
              assertThat(entry.after()).contains("deprecated, successor m:2");
              assertThat(entry.reason()).isEqualTo("it forgets commas");
            });
    ModelVersion archived = registry.changeState(deprecated, VersionState.ARCHIVED).apply();
    assertThat(found(Search.all().state(VersionState.ARCHIVED))).containsExactly("m:1");
    assertThat(found(Search.all())).containsExactly("m:2", "m:1");
    assertThatThrownBy(() -> registry.changeState(deprecated, VersionState.ACTIVE).apply())
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("expected revision 2, found 3");
    ModelVersion active = registry.changeState(archived, VersionState.ACTIVE).apply();
    assertThat(active.state()).isEqualTo(VersionState.ACTIVE);
    assertThat(active.notes().tags()).doesNotContainKey("successor");
  }

  @Test
  void doesNotArchiveWhatAnAliasPointsTo() {
    ModelVersion version = register("m");
    registry.promote(version, "production").apply();
    registry.deployments().begin(version, "production", "host-1");

    StateChange change = registry.changeState(version, VersionState.ARCHIVED);

    assertThat(change.plan().refusals()).containsExactly("alias 'production' points to it");
    assertThat(change.plan().warnings()).containsExactly("it is live in production at host-1");
    assertThatThrownBy(change::apply)
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("m:1: ACTIVE -> ARCHIVED\n  refused: alias 'production'");
    assertThat(registry.version("m", 1).state()).isEqualTo(VersionState.ACTIVE);
    assertThat(registry.changeState(version, VersionState.DEPRECATED).apply().state())
        .isEqualTo(VersionState.DEPRECATED);
  }

  @Test
  void refusesASuccessorThatIsNoneOrShouldNotBeUsed() {
    ModelVersion first = register("m");
    ModelVersion second = registry.changeState(register("m"), VersionState.ARCHIVED).apply();

    assertThatIllegalArgumentException()
        .isThrownBy(() -> registry.changeState(first, VersionState.DEPRECATED).successor(first));
    assertThat(
            registry
                .changeState(first, VersionState.DEPRECATED)
                .successor(second)
                .plan()
                .refusals())
        .containsExactly("its successor m:2 is ARCHIVED");
  }

  @Test
  void knowsWhatWasBehindEveryAliasAtAnyTime() {
    ModelVersion one = register("m");
    ModelVersion two = register("m");
    ModelVersion other = register("other");
    Instant before = clock.instant().plusSeconds(1);
    clock.advance(Duration.ofHours(1));
    registry.promote(one, "production").apply();
    registry.promote(other, "staging").apply();
    Instant first = clock.instant();
    clock.advance(Duration.ofHours(1));
    registry.promote(two, "production").apply();
    Instant second = clock.instant();
    clock.advance(Duration.ofHours(1));
    registry.withdraw("other", "staging").apply();
    registry.delete(one).apply();

    assertThat(registry.asOf(before).aliases()).isEmpty();
    assertThat(registry.asOf(first).aliases())
        .isEqualTo(
            Map.of(
                "m", Map.of("production", new VersionId("m", 1)),
                "other", Map.of("staging", new VersionId("other", 1))));
    assertThat(registry.asOf(second.minusMillis(1)).version("m", "production"))
        .contains(new VersionId("m", 1));
    assertThat(registry.asOf(second).version("m", "production")).contains(two.id());
    assertThat(registry.asOf(Instant.MAX).aliases())
        .isEqualTo(Map.of("m", Map.of("production", two.id())));
    assertThat(registry.asOf(first).toString())
        .contains("m@production -> m:1\n", "other@staging -> other:1\n");
    assertThat(registry.asOf(Instant.MIN).of("m")).isEmpty();
  }

  @Test
  void knowsWhereVersionsAreLiveAndWere() {
    ModelVersion one = register("m");
    ModelVersion two = register("m");
    DeploymentRecord first = registry.deployments().begin(one, "production", "host-1");
    clock.advance(Duration.ofMinutes(10));
    assertThat(registry.deployments().begin(one, "production", "host-1")).isEqualTo(first);
    DeploymentRecord second = registry.as(BOB).deployments().begin(two, "production", "host-2");
    Instant both = clock.instant();
    clock.advance(Duration.ofMinutes(10));
    registry.deployments().end(first);
    registry.deployments().end(first);

    assertThat(registry.deployments().live()).containsExactly(second);
    assertThat(second.by()).isEqualTo(BOB);
    assertThat(second).hasToString("m:2 in production at host-2");
    assertThat(registry.deployments().of(one.id()))
        .singleElement()
        .satisfies(record -> assertThat(record.until()).contains(clock.instant()));
    assertThat(registry.deployments().in("production")).hasSize(2);
    assertThat(registry.deployments().in("elsewhere")).isEmpty();
    assertThat(registry.deployments().asOf(both))
        .extracting(DeploymentRecord::version)
        .containsExactly(one.id(), two.id());
    assertThat(registry.deployments().asOf(clock.instant())).containsExactly(second);
    assertThat(registry.audit().about("m:1"))
        .extracting(AuditEntry::action)
        .containsExactly("register", "deploy", "undeploy");

    assertThatThrownBy(() -> registry.delete(two).apply())
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("refused: live in production at host-2");
    registry.delete(one).apply();
    assertThat(registry.deployments().of(one.id())).hasSize(1);
  }

  @Test
  void addsUpUseFromManyThreads() throws Exception {
    ModelVersion version = register("m");
    assertThat(registry.usage(version)).isEqualTo(Usage.none());
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      Callable<Void> use =
          () -> {
            for (int i = 0; i < 10; i++) {
              registry.recordUse(
                  version, Usage.of(10, 1, Duration.ofMillis(30), START.plusSeconds(i)));
            }
            return null;
          };
      for (Future<Void> done : pool.invokeAll(List.of(use, use, use, use))) {
        done.get();
      }
    } finally {
      pool.shutdown();
    }

    Usage usage = registry.usage(version);
    assertThat(usage).isEqualTo(Usage.of(400, 40, Duration.ofMillis(1200), START.plusSeconds(9)));
    assertThat(usage.meanLatency()).isEqualTo(Duration.ofMillis(3));
    assertThat(registry.audit().about("m:1")).hasSize(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Usage.of(1, 2, Duration.ZERO, START))
        .withMessage("errors must be 0 to requests, got 2 of 1");
  }

  @Test
  void countsWhatThereIs() {
    ModelVersion one = register("m");
    register("m");
    register("other");
    registry.changeState(one, VersionState.ARCHIVED).apply();
    registry.promote(registry.version("m", 2), "production").apply();
    registry.recordUse(one, Usage.of(5, 2, Duration.ofMillis(1), START));

    RegistryStatistics statistics = registry.statistics();

    assertThat(statistics.models()).isEqualTo(2);
    assertThat(statistics.versions()).isEqualTo(3);
    assertThat(statistics.byType()).isEqualTo(Map.of(ModelType.CUSTOM, 3L));
    assertThat(statistics.byState())
        .isEqualTo(Map.of(VersionState.ACTIVE, 2L, VersionState.ARCHIVED, 1L));
    assertThat(statistics.bytes())
        .isEqualTo(Stream.of("m", "m", "other").mapToLong(n -> 13 + 5 + n.length()).sum());
    assertThat(statistics.distinctBytes()).isEqualTo(13 + 5 + 1 + 5);
    assertThat(statistics.aliases()).isEqualTo(1);
    assertThat(statistics.requests()).isEqualTo(5);
    assertThat(statistics.errors()).isEqualTo(2);
  }

  @Test
  void saysWhetherItIsWell() {
    register("m");
    RegistryHealth health = registry.health();

    assertThat(health.readable()).isTrue();
    assertThat(health.writable()).isTrue();
    assertThat(health.freeBytes()).isPositive();
  }
}
