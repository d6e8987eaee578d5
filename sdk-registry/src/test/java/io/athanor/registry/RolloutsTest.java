package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where rollouts stand survives, and only one of several who change it does. */
class RolloutsTest extends RegistryContract {
  private static final Principal ANN = new Principal("ann");
  private static final Principal BOB = new Principal("bob");
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00.123456789Z");

  @TempDir private Path temp;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).principal(ANN).open();
    registry.registration("m", TestModels.folder(temp, "one")).register();
    registry.registration("m", TestModels.folder(temp, "two")).register();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private static RolloutState begun(String model) {
    return new RolloutState(
        model,
        "production",
        model + ":1",
        model + ":2",
        "{\"steps\":[]}",
        RolloutPhase.CHECKING,
        0,
        NOW,
        NOW,
        new Principal("whoever"),
        "begun",
        1);
  }

  @Test
  void keepsTheLastStateOfEachModelAndAlias() {
    RolloutState written = registry.rollouts().write(begun("m"));

    assertThat(written.by()).isEqualTo(ANN);
    assertThat(written.begun()).isEqualTo(Instant.parse("2026-11-21T12:00:00.123456Z"));
    assertThat(registry.rollouts().read("m", "production")).contains(written);
    assertThat(registry.rollouts().read("m", "staging")).isEmpty();

    RolloutState running =
        registry
            .as(BOB)
            .rollouts()
            .write(written.moved(RolloutPhase.RUNNING, 0, "healthy", ANN, NOW));
    assertThat(running.by()).isEqualTo(BOB);
    assertThat(running.revision()).isEqualTo(2);
    assertThat(registry.rollouts().all()).containsExactly(running);
  }

  @Test
  void everyWriteIsInTheAuditLog() {
    RolloutState written = registry.rollouts().write(begun("m"));
    registry
        .as(BOB)
        .rollouts()
        .write(written.moved(RolloutPhase.ROLLED_BACK, 0, "complaints", ANN, NOW));

    List<AuditEntry> entries = registry.audit().about("m@production");
    assertThat(entries).extracting(AuditEntry::action).containsExactly("rollout", "rollout");
    assertThat(entries).extracting(AuditEntry::principal).containsExactly(ANN, BOB);
    assertThat(entries).extracting(AuditEntry::reason).containsExactly("begun", "complaints");
    assertThat(entries.get(1).before()).contains("m:2 checking, step 0");
    assertThat(entries.get(1).after()).contains("m:2 rolled back, step 0");
  }

  @Test
  void whoComesSecondChangesNothing() {
    RolloutState written = registry.rollouts().write(begun("m"));
    RolloutState running = written.moved(RolloutPhase.RUNNING, 0, "healthy", ANN, NOW);
    registry.rollouts().write(running);

    assertThatThrownBy(() -> registry.rollouts().write(running))
        .isInstanceOf(ConflictException.class)
        .hasMessage(
            "The rollout of m:2 to m@production should become revision 2 but is at 2: somebody else"
                + " changed it. Read it again");
    assertThat(registry.audit().about("m@production")).hasSize(2);
  }

  @Test
  void oneOfManyWritersWinsEachTime() throws Exception {
    RolloutState first = registry.rollouts().write(begun("m"));
    int many = 6;
    CyclicBarrier start = new CyclicBarrier(many);
    ExecutorService pool = Executors.newFixedThreadPool(many);
    List<Future<Boolean>> won = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      RolloutState next = first.moved(RolloutPhase.RUNNING, 0, "writer " + i, ANN, NOW);
      Callable<Boolean> writing =
          () -> {
            start.await();
            try {
              registry.rollouts().write(next);
              return true;
            } catch (ConflictException e) {
              assertThat(e.retryable()).isTrue();
              return false;
            }
          };
      won.add(pool.submit(writing));
    }
    int winners = 0;
    for (Future<Boolean> one : won) {
      winners += one.get() ? 1 : 0;
    }
    pool.shutdown();
    assertThat(winners).isEqualTo(1);
    assertThat(registry.audit().about("m@production")).hasSize(2);
  }

  @Test
  void refusesModelsThatAreNotThereAndPeopleWhoMayNotMoveTheAlias() {
    assertThatThrownBy(() -> registry.rollouts().write(begun("nobody")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("model 'nobody'");

    for (Permission permission : Permission.values()) {
      registry.access().allow("administrator", permission);
    }
    registry.access().assign("administrator", ANN);
    registry.access().allow("reader", Permission.READ);
    registry.access().assign("reader", BOB);
    registry.access().enable();
    RolloutState written = registry.rollouts().write(begun("m"));
    assertThat(registry.as(BOB).rollouts().read("m", "production")).contains(written);
    assertThatThrownBy(
            () ->
                registry
                    .as(BOB)
                    .rollouts()
                    .write(written.moved(RolloutPhase.ROLLED_BACK, 0, "no", BOB, NOW)))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not promote m at production");
    assertThat(registry.as(new Principal("eve")).rollouts().all()).isEmpty();
  }

  @Test
  void aVersionThatARolloutNeedsIsNotDeleted() {
    RolloutState running =
        registry
            .rollouts()
            .write(
                registry
                    .rollouts()
                    .write(begun("m"))
                    .moved(RolloutPhase.RUNNING, 0, "healthy", ANN, NOW));
    for (int number = 1; number <= 2; number++) {
      ModelVersion needed = registry.version("m", number);
      Deletion deletion = registry.delete(needed);
      assertThat(deletion.plan().possible()).isFalse();
      assertThat(deletion.plan().rollouts()).containsExactly(running);
      assertThatThrownBy(deletion::apply)
          .isInstanceOf(ConflictException.class)
          .hasMessageContaining(
              "refused: the rollout of m:2 to m@production needs it and is RUNNING; promote or roll"
                  + " it back");
    }
    try (ModelRegistry later =
        store
            .in(temp.resolve("registry"))
            .clock(TestClock.at(Instant.now().plus(Duration.ofDays(1))))
            .open()) {
      later.collectGarbage();
    }
    assertThat(registry.verify().problems()).isEmpty();
    registry.versions("m").forEach(ModelVersion::verify);
    assertThat(registry.versions("m")).hasSize(2);

    registry.rollouts().write(running.moved(RolloutPhase.ROLLED_BACK, 0, "complaints", ANN, NOW));
    ModelVersion lost = registry.version("m", 2);
    assertThat(registry.delete(lost).plan().possible()).isTrue();
    registry.delete(lost).apply();
    assertThat(registry.versions("m")).extracting(ModelVersion::number).containsExactly(1);
  }

  @Test
  void backupsHaveThem() {
    RolloutState written = registry.rollouts().write(begun("m"));
    Path file = temp.resolve("backup.tar");
    registry.archive().backup(file);

    try (ModelRegistry restored = ModelRegistry.open(temp.resolve("restored"))) {
      restored.archive().restore(file);
      assertThat(restored.rollouts().read("m", "production")).contains(written);
    }
  }
}
