package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Principal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileRolloutsTest {
  private static final Principal ANN = new Principal("ann");
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00.123456789Z");

  @TempDir private Path temp;

  private static RolloutState begun(String alias) {
    return new RolloutState(
        "m",
        alias,
        "m:1",
        "m:2",
        StrategyJson.write(Strategy.immediate()),
        RolloutPhase.CHECKING,
        0,
        NOW,
        NOW,
        ANN,
        "because \"they\" said\nso",
        1);
  }

  private Stream<RolloutStore> stores() {
    return Stream.of(FileRollouts.in(temp.resolve("rollouts")), new MemoryRollouts());
  }

  @Test
  void keepsTheLastStateOfEachModelAndAlias() {
    assertThat(
            stores()
                .peek(
                    store -> {
                      assertThat(store.all()).isEmpty();
                      assertThat(store.read("m", "production")).isEmpty();
                      RolloutState first = store.write(begun("production"));
                      assertThat(store.read("m", "production")).contains(begun("production"));
                      RolloutState second =
                          store.write(first.moved(RolloutPhase.RUNNING, 0, "healthy", ANN, NOW));
                      RolloutState other = store.write(begun("staging"));
                      assertThat(store.all()).containsExactly(second, other);
                    }))
        .hasSize(2);
  }

  @Test
  void whoComesSecondChangesNothing() {
    assertThat(
            stores()
                .peek(
                    store -> {
                      store.write(begun("production"));
                      assertThatThrownBy(() -> store.write(begun("production")))
                          .isInstanceOfSatisfying(
                              ConflictException.class, e -> assertThat(e.retryable()).isTrue())
                          .hasMessageContaining("should become revision 1 but is at 1");
                    }))
        .hasSize(2);
  }

  @Test
  void remembersEveryStateThereWas() {
    FileRollouts store = FileRollouts.in(temp);
    RolloutState first = store.write(begun("production"));
    RolloutState second = store.write(first.moved(RolloutPhase.ROLLED_BACK, 0, "no", ANN, NOW));
    assertThat(store.history("m", "production")).containsExactly(first, second);
    assertThat(store.history("m", "staging")).isEmpty();
  }

  @Test
  void oneOfManyWritersWins() throws Exception {
    RolloutState first = FileRollouts.in(temp).write(begun("production"));
    int many = 8;
    CyclicBarrier start = new CyclicBarrier(many);
    ExecutorService pool = Executors.newFixedThreadPool(many);
    List<Future<Boolean>> won = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      RolloutState next = first.moved(RolloutPhase.RUNNING, 0, "writer " + i, ANN, NOW);
      Callable<Boolean> writing =
          () -> {
            start.await();
            try {
              FileRollouts.in(temp).write(next);
              return true;
            } catch (ConflictException e) {
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
    assertThat(FileRollouts.in(temp).history("m", "production")).hasSize(2);
  }

  @Test
  void aLineThatAKillCutOffNeverWas() throws IOException {
    FileRollouts store = FileRollouts.in(temp);
    RolloutState first = store.write(begun("production"));
    Path file = temp.resolve("m@production.jsonl");
    Files.writeString(file, "{\"revision\":2,\"mod", StandardOpenOption.APPEND);
    assertThat(store.read("m", "production")).contains(first);
    RolloutState second = store.write(first.moved(RolloutPhase.RUNNING, 0, "healthy", ANN, NOW));
    assertThat(store.history("m", "production")).containsExactly(first, second);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "not json\n",
        "{}\n",
        "[1]\n",
        "{\"revision\":1,\"model\":\"m\",\"alias\":\"production\",\"champion\":\"a\",\"candidate\":\"a\",\"phase\":\"running\",\"step\":0,\"begun\":\"2026-11-21T12:00:00Z\",\"changed\":\"2026-11-21T12:00:00Z\",\"by\":\"x\",\"reason\":\"y\",\"strategy\":\"\"}\n"
      })
  void saysWhichLineIsDamaged(String content) throws IOException {
    Files.writeString(temp.resolve("m@production.jsonl"), content);
    assertThatThrownBy(() -> FileRollouts.in(temp).read("m", "production"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("m@production.jsonl line 1");
  }

  @Test
  void saysWhereItCannotWrite() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "");
    assertThatThrownBy(() -> FileRollouts.in(file.resolve("inside")).write(begun("production")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("Check that the folder is writable");
  }
}
