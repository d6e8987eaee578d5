package io.athanor.pipeline;

import static io.athanor.pipeline.RolloutProcess.ALIAS;
import static io.athanor.pipeline.RolloutProcess.MODEL;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are killed while they serve a rollout, and processes that want different ends. */
@Tag("heavy")
class RolloutKillTest {
  private static final int KILLS = 20;
  private static final int MOST_CHANGES = 12;
  private static final int LONGEST_WAIT_MILLIS = 40;
  private static final int ROUNDS = 12;
  private static final String SUBJECT = MODEL + "@" + ALIAS;

  @TempDir private Path temp;
  private Path folder;
  private Path scratch;

  @BeforeEach
  void prepare() throws IOException {
    folder = temp.resolve("registry");
    scratch = Files.createDirectory(temp.resolve("scratch"));
    try (ModelRegistry registry = ModelRegistry.open(folder)) {
      ModelVersion first = registry.register(MODEL, TinyArtifacts.spam());
      registry.register(MODEL, TinyArtifacts.spam());
      registry.promote(first, ALIAS).apply();
    }
  }

  @Test
  void goesOnAfterEveryKill() throws Exception {
    Random random = new Random(5);
    Map<RolloutPhase, Integer> killedIn = new EnumMap<>(RolloutPhase.class);
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = RolloutProcess.serving(folder, scratch);
      int changes = random.nextInt(MOST_CHANGES + 1);
      long acknowledged = lifeOf(process, changes, random.nextInt(LONGEST_WAIT_MILLIS));
      try (ModelRegistry registry = ModelRegistry.open(folder)) {
        Optional<RolloutState> state = registry.rollouts().read(MODEL, ALIAS);
        assertThat(state.map(RolloutState::revision).orElse(0L))
            .as("what was acknowledged is there")
            .isGreaterThanOrEqualTo(acknowledged);
        requireLegal(registry);
        state.ifPresent(there -> killedIn.merge(there.phase(), 1, Integer::sum));
      }
    }
    assertThat(killedIn.keySet())
        .as("phases in which it was killed: %s", killedIn)
        .anyMatch(phase -> !phase.ended());

    int more = 4;
    Process last = RolloutProcess.serving(folder, scratch, more);
    String output = new String(last.getInputStream().readAllBytes());
    assertThat(last.waitFor()).as(output).isZero();
    try (ModelRegistry registry = ModelRegistry.open(folder)) {
      Map<RolloutPhase, Integer> entered = requireLegal(registry);
      assertThat(entered).containsKeys(RolloutPhase.PROMOTED, RolloutPhase.ROLLED_BACK);
      assertThat(entered.get(RolloutPhase.PROMOTED) + entered.get(RolloutPhase.ROLLED_BACK))
          .as("every rollout that was begun has ended")
          .isEqualTo(entered.get(RolloutPhase.CHECKING))
          .isGreaterThanOrEqualTo(more);
      assertThat(registry.rollouts().read(MODEL, ALIAS).orElseThrow().phase().ended()).isTrue();
    }
  }

  /**
   * Kills a process some time after it has made some changes.
   *
   * @return the last revision that it said it had entered
   */
  private static long lifeOf(Process process, int changes, int millis)
      throws IOException, InterruptedException {
    try (BufferedReader out = process.inputReader()) {
      List<String> said = new ArrayList<>();
      for (int line = 0; line <= changes; line++) {
        said.add(nextFrom(out));
      }
      boolean ended = process.waitFor(millis, TimeUnit.MILLISECONDS);
      process.toHandle().destroyForcibly();
      process.waitFor();
      out.lines().forEach(said::add);
      assertThat(ended).as("ended by itself: %s", said).isFalse();
      return said.stream()
          .filter(line -> line.startsWith(RolloutProcess.SAYS))
          .skip(1)
          .mapToLong(line -> Long.parseLong(line.split(" ")[1]))
          .max()
          .orElse(0);
    } finally {
      process.destroyForcibly();
    }
  }

  private static String nextFrom(BufferedReader out) throws IOException {
    List<String> others = new ArrayList<>();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith(RolloutProcess.SAYS)) {
        return line;
      }
      others.add(line);
    }
    throw new AssertionError("said nothing but " + others);
  }

  /**
   * Follows the alias and its rollouts through the audit log, from the first entry to what is there
   * now, and counts how often each phase was entered.
   */
  private static Map<RolloutPhase, Integer> requireLegal(ModelRegistry registry) {
    assertThat(registry.audit().verify()).isEmpty();
    Map<RolloutPhase, Integer> entered = new EnumMap<>(RolloutPhase.class);
    String present = "";
    String candidate = "";
    RolloutPhase phase = RolloutPhase.ROLLED_BACK;
    Optional<String> last = Optional.empty();
    for (AuditEntry entry : registry.audit().about(SUBJECT)) {
      String after = entry.after().orElseThrow();
      if (entry.action().equals("promote")) {
        assertThat(entry.before().orElse("")).isEqualTo(present);
        if (!present.isEmpty()) {
          assertThat(phase).isEqualTo(RolloutPhase.PROMOTING);
          assertThat(after).isEqualTo(candidate);
        }
        present = after;
        continue;
      }
      assertThat(entry.action()).isEqualTo("rollout");
      assertThat(entry.before()).as("nothing was lost").isEqualTo(last);
      last = entry.after();
      RolloutPhase next = phase(after);
      if (phase.ended()) {
        assertThat(next).isEqualTo(RolloutPhase.CHECKING);
        candidate = after.substring(0, after.indexOf(' '));
      } else {
        assertThat(next).isIn(phase.next());
        assertThat(after).startsWith(candidate + " ");
      }
      if (next == RolloutPhase.PROMOTED) {
        assertThat(present).isEqualTo(candidate);
      } else if (next != RolloutPhase.PROMOTING) {
        assertThat(present).isNotEqualTo(candidate).isNotEmpty();
      }
      phase = next;
      entered.merge(phase, 1, Integer::sum);
    }
    assertThat(registry.alias(MODEL, ALIAS).id()).hasToString(present);
    RolloutPhase stored =
        registry
            .rollouts()
            .read(MODEL, ALIAS)
            .map(RolloutState::phase)
            .orElse(RolloutPhase.ROLLED_BACK);
    assertThat(stored).isEqualTo(phase);
    return entered;
  }

  /** As the audit log says it, for example {@code "spam-filter:2 rolled back, step 1"}. */
  private static RolloutPhase phase(String described) {
    String words = described.substring(described.indexOf(' ') + 1, described.indexOf(','));
    return RolloutPhase.valueOf(words.toUpperCase(Locale.ROOT).replace(' ', '_'));
  }

  /** A process that does what it is told. */
  private static final class Steerer implements AutoCloseable {
    private final Process process;
    private final Writer orders;
    private final BufferedReader answers;

    Steerer(Process process) {
      this.process = process;
      this.orders = process.outputWriter();
      this.answers = process.inputReader();
    }

    void tell(String order) throws IOException {
      orders.write(order + "\n");
      orders.flush();
    }

    String answer() throws IOException {
      return nextFrom(answers).substring(RolloutProcess.SAYS.length());
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  @Test
  void ofTwoProcessesThatSteerOneWinsAndTheOtherHearsWhy() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder)) {
      RolloutState begun = running(registry);
      try (Steerer ann = new Steerer(RolloutProcess.steering(folder, scratch, "ann"));
          Steerer bob = new Steerer(RolloutProcess.steering(folder, scratch, "bob"))) {
        bothWrite(registry, begun, ann, bob);
        oneWantsBackAndTheOtherOn(registry, ann, bob);
      }
      assertThat(registry.audit().verify()).isEmpty();
    }
  }

  private static void bothWrite(
      ModelRegistry registry, RolloutState begun, Steerer ann, Steerer bob) throws IOException {
    List<String> winners = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      long revision = begun.revision() + round;
      ann.tell("read");
      bob.tell("read");
      assertThat(List.of(ann.answer(), bob.answer())).containsOnly("read " + revision);
      ann.tell("write");
      bob.tell("write");
      List<String> answers = List.of(ann.answer(), bob.answer());
      assertThat(answers)
          .containsExactlyInAnyOrder(
              "won " + (revision + 1),
              "lost The rollout of %s:2 to %s should become revision %d but is at %d: somebody else changed it. Read it again"
                  .formatted(MODEL, SUBJECT, revision + 1, revision + 1));
      winners.add(answers.get(0).startsWith("won") ? "by ann" : "by bob");
    }
    List<String> reasons =
        registry.audit().about(SUBJECT).stream().map(AuditEntry::reason).toList();
    assertThat(reasons.subList(reasons.size() - ROUNDS, reasons.size())).isEqualTo(winners);
    RolloutState end = registry.rollouts().read(MODEL, ALIAS).orElseThrow();
    assertThat(end.step()).isEqualTo(ROUNDS);
    assertThat("by " + end.by().name()).isEqualTo(winners.get(ROUNDS - 1));
    registry.rollouts().write(moved(end, RolloutPhase.ROLLED_BACK));
  }

  private static void oneWantsBackAndTheOtherOn(ModelRegistry registry, Steerer ann, Steerer bob)
      throws IOException {
    for (int round = 0; round < ROUNDS; round++) {
      long revision = running(registry).revision();
      ann.tell("promote");
      bob.tell("rollBack");
      List<String> answers = List.of(ann.answer(), bob.answer());
      RolloutState end = registry.rollouts().read(MODEL, ALIAS).orElseThrow();
      assertThat(end.revision()).isEqualTo(revision + 1);
      boolean on = end.phase() == RolloutPhase.PROMOTING;
      assertThat(end.by().name()).isEqualTo(on ? "ann" : "bob");
      assertThat(answers.get(on ? 0 : 1)).isEqualTo("won " + end.revision());
      assertThat(answers.get(on ? 1 : 0))
          .startsWith(
              "lost The rollout of %s:2 to %s is %s and cannot become %s; it can become "
                  .formatted(
                      MODEL,
                      SUBJECT,
                      end.phase(),
                      on ? RolloutPhase.ROLLED_BACK : RolloutPhase.PROMOTING));
      if (on) {
        registry.rollouts().write(moved(end, RolloutPhase.PROMOTED));
      }
    }
  }

  /** A new rollout, healthy already. */
  private static RolloutState running(ModelRegistry registry) {
    Instant now = Instant.now();
    RolloutState begun =
        new RolloutState(
            MODEL,
            ALIAS,
            MODEL + ":1",
            MODEL + ":2",
            "{\"steps\":[]}",
            RolloutPhase.CHECKING,
            0,
            now,
            now,
            Principal.ofProcess(),
            "begun",
            registry.rollouts().read(MODEL, ALIAS).map(RolloutState::revision).orElse(0L) + 1);
    return registry.rollouts().write(moved(registry.rollouts().write(begun), RolloutPhase.RUNNING));
  }

  private static RolloutState moved(RolloutState state, RolloutPhase phase) {
    return state.moved(phase, state.step(), "for the test", Principal.ofProcess(), Instant.now());
  }
}
