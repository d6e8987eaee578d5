package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.TestClock;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Processes that share a registry are killed without notice while they open, create or migrate it,
 * register, promote, change notes, request and decide on approvals, delete and collect garbage. See
 * {@link CrashLedger} for what must hold after it. About every second kill is aimed at the action
 * that was hit least so far. The heavy test kills 200 processes that share a SQLite file, or as
 * many as {@code -Dathanor.kills} says, and 60 that share a PostgreSQL, or as many as {@code
 * -Dathanor.kills.postgresql} says.
 */
final class CrashTest {
  private static final int PROCESSES = 3;
  private static final int THREADS = 2;
  private static final int ROUNDS = 8;
  private static final int LONGEST_OPENING_MILLIS = 600;
  private static final int MOST_CHANGES = 8;
  private static final int MANY_KILLS = 200;
  private static final int LONGEST_CHANGE_MILLIS = 30;
  private static final int LONGEST_AIMED_MILLIS = 3;
  private static final String KILLED_MIGRATING = "killed in the middle of a migration";
  private static final List<String> CHANGES =
      List.of("register", "promote", "update", "request", "approve", "reject", "delete", "collect");

  @TempDir private Path temp;

  private final ExecutorService pool = Executors.newFixedThreadPool(PROCESSES);
  private final Random random = new Random(5);
  private final Map<String, Integer> counts = new TreeMap<>();

  private TestStore store = TestStore.SQLITE;

  @ParameterizedTest
  @EnumSource(names = {"SQLITE", "POSTGRESQL"})
  void losesNothingWhenKilled(TestStore shared) throws Exception {
    store = shared;
    kill(2 * PROCESSES, 2, () -> {});
    assertThat(counts.get("kills")).isEqualTo(2 * PROCESSES);
    assertThat(counts.get("acknowledged changes")).isPositive();
  }

  @ParameterizedTest
  @EnumSource(names = {"SQLITE", "POSTGRESQL"})
  @Tag("heavy")
  void losesNothingWhenKilledAgainAndAgain(TestStore shared, TestReporter reporter)
      throws Exception {
    store = shared;
    int kills =
        store == TestStore.SQLITE
            ? Integer.getInteger("athanor.kills", 200)
            : Integer.getInteger("athanor.kills.postgresql", 60);
    kill(kills, ROUNDS, () -> reporter.publishEntry(told()));
    assertThat(counts.get("kills")).isGreaterThanOrEqualTo(kills);
    assertThat(counts.get("acknowledged changes")).isGreaterThan(kills);
    assertThat(counts.get(KILLED_MIGRATING)).isPositive();
    int first = store == TestStore.SQLITE ? 1 : 0;
    assertThat(counts.get(migrated(first, 2))).isPositive();
    assertThat(hits("opening")).isPositive();
    List<String> missed = CHANGES.stream().filter(action -> hits(action) == 0).toList();
    assertThat(missed)
        .as("never killed during: %s", told())
        .hasSizeLessThan(kills >= MANY_KILLS ? 1 : CHANGES.size() / 2);
  }

  private Map<String, String> told() {
    Map<String, String> told = new TreeMap<>();
    told.put("database", store.name());
    counts.forEach((what, count) -> told.put(what, count.toString()));
    return told;
  }

  /**
   * Kills processes in one registry after another.
   *
   * @param afterEach what to do when a registry has been checked to the end
   */
  private void kill(int kills, int rounds, Runnable afterEach) throws Exception {
    try {
      for (int life = 0; counts.getOrDefault("kills", 0) < kills; life++) {
        Path folder = temp.resolve("registry-" + life);
        CrashLedger ledger = new CrashLedger();
        if (life % 2 == 0 && store == TestStore.SQLITE) {
          ledger.has(
              FirstSchema.registry(folder, "left", TestModels.folder(temp, "content " + life)));
        }
        for (int round = 0; round < rounds; round++) {
          round(folder, ledger);
        }
        everyFileHasAnOwner(folder);
        AtomicFolder.delete(folder);
        afterEach.run();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private void round(Path folder, CrashLedger ledger) throws Exception {
    int schema = FirstSchema.schemaVersion(store, folder);
    Path scratch = Files.createDirectories(temp.resolve("scratch"));
    List<Future<List<String>>> killed = new ArrayList<>();
    for (int i = 0; i < PROCESSES; i++) {
      String worker = "process" + i;
      long seed = random.nextLong();
      Kill kill = nextKill(schema);
      killed.add(pool.submit(() -> live(folder, scratch, worker, seed, kill)));
    }
    for (Future<List<String>> process : killed) {
      List<String> said = process.get();
      count("kills");
      if (said.contains(MigrationWatch.BEGUN) && !said.contains(MigrationWatch.ENDED)) {
        count(KILLED_MIGRATING);
      }
      if (said.contains(CrashProcess.OPENED)) {
        Set<String> underWay = new HashSet<>(ledger.read(said));
        underWay.forEach(action -> count("killed during " + action));
        if (underWay.isEmpty()) {
          count("killed between two actions");
        }
      } else {
        count("killed during opening");
        if (schema < 2) {
          count("killed while opening a registry of schema " + schema);
        }
      }
    }
    if (schema < 2) {
      count(migrated(schema, FirstSchema.schemaVersion(store, folder)));
    }
    counts.merge("acknowledged changes", ledger.acknowledged(), Integer::sum);
    try (var registry = store.in(folder).open()) {
      waitForStragglers(registry);
      ledger.check(registry);
    }
    AtomicFolder.delete(scratch);
  }

  /**
   * When a process is to be killed.
   *
   * @param begin the line it says before that
   * @param changes how many changes it makes after it
   * @param millis the time that passes then
   */
  private record Kill(Predicate<String> begin, int changes, int millis) {}

  private Kill nextKill(int schema) {
    if (schema < 2) {
      return nextKillWhileMigrating(schema);
    }
    if (random.nextInt(10) == 0) {
      return whileOpening();
    }
    if (random.nextBoolean()) {
      String rarest = CHANGES.stream().min(Comparator.comparing(this::hits)).orElseThrow();
      return aimed(line -> CrashProcess.isBegun(line, rarest));
    }
    return new Kill(
        CrashProcess.OPENED::equals,
        random.nextInt(MOST_CHANGES + 1),
        random.nextInt(LONGEST_CHANGE_MILLIS));
  }

  /** At first what must happen once, then anything. */
  private Kill nextKillWhileMigrating(int schema) {
    boolean hit = counts.containsKey(KILLED_MIGRATING);
    if (hit && !counts.containsKey(migrated(schema, 2))) {
      return new Kill(CrashProcess.OPENED::equals, 0, random.nextInt(LONGEST_CHANGE_MILLIS));
    }
    if (!hit || random.nextBoolean()) {
      return aimed(Set.of(MigrationWatch.BEGUN, CrashProcess.OPENED)::contains);
    }
    return whileOpening();
  }

  private Kill aimed(Predicate<String> begin) {
    return new Kill(begin, 0, random.nextInt(LONGEST_AIMED_MILLIS));
  }

  private Kill whileOpening() {
    return new Kill(CrashProcess.OPENING::equals, 0, random.nextInt(LONGEST_OPENING_MILLIS));
  }

  private static String migrated(int from, int to) {
    return "rounds that began at schema " + from + " and ended at " + to;
  }

  private int hits(String action) {
    return counts.getOrDefault("killed during " + action, 0);
  }

  /** A server may still commit what a killed process sent; it does so before the next writer. */
  private static void waitForStragglers(ModelRegistry registry) {
    registry.transactions().write(session -> true);
  }

  private void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  /** What a process said from its start to its violent end. */
  private List<String> live(Path folder, Path scratch, String worker, long seed, Kill kill)
      throws IOException, InterruptedException {
    Process process = CrashProcess.start(store, folder, scratch, worker, THREADS, seed);
    List<String> said = new ArrayList<>();
    try (BufferedReader out = process.inputReader()) {
      String line = "";
      int done = -1;
      while (line != null && done < kill.changes()) {
        line = out.readLine();
        said.add(String.valueOf(line));
        boolean begun = line != null && kill.begin().test(line);
        done += begun || (done >= 0 && CrashProcess.isDone(line)) ? 1 : 0;
      }
      boolean ended = process.waitFor(kill.millis(), TimeUnit.MILLISECONDS);
      process.toHandle().destroyForcibly();
      process.waitFor();
      out.lines().forEach(said::add);
      assertThat(ended).as("ended by itself: %s", said).isFalse();
      return said;
    } finally {
      process.destroyForcibly();
    }
  }

  private void everyFileHasAnOwner(Path folder) throws IOException {
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (var registry = store.in(folder).clock(later).open()) {
      registry.collectGarbage();
      Set<String> used = new HashSet<>();
      List<String> files = new ArrayList<>();
      for (String model : registry.models()) {
        for (ModelVersion version : registry.versions(model)) {
          version.manifest().files().forEach(file -> used.add(file.digest().hex()));
          version
              .manifest()
              .files()
              .forEach(file -> files.add(version.folder().resolve(file.path()).toString()));
        }
      }
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(names(folder.resolve("blobs"))).containsExactlyInAnyOrderElementsOf(used);
      List<String> shown = new ArrayList<>(paths(folder.resolve("models")));
      shown.addAll(paths(folder.resolve("versions")));
      assertThat(shown).containsExactlyInAnyOrderElementsOf(files);
      assertThat(folder.resolve("staging")).isEmptyDirectory();
    }
  }

  private static List<String> names(Path folder) throws IOException {
    return paths(folder).stream().map(path -> Path.of(path).getFileName().toString()).toList();
  }

  private static List<String> paths(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).map(Path::toString).toList();
    }
  }
}
