package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.ArchiveProcess.Work;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.store.TableRows;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes die while they work on archives: a restored registry is whole or empty, an imported
 * version is there or not, an archive is whole or absent, and the same work done again succeeds.
 */
class ArchiveKillTest {
  private static final int NEVER = 0;
  private static final int VERSIONS = 4;
  private static final double SHORTER = 0.9;
  private static final double LONGER = 1.1;

  @TempDir private Path temp;
  private Path source;
  private Path backup;
  private Path version;
  private BackupSummary summary;

  @BeforeEach
  void fill() {
    source = temp.resolve("source");
    backup = temp.resolve("backup.tar");
    version = temp.resolve("version.tar");
    try (ModelRegistry registry = ModelRegistry.open(source)) {
      for (int i = 0; i < VERSIONS; i++) {
        ModelVersion made =
            registry
                .registration("m", TestModels.folder(temp, ("content " + i).repeat(20_000)))
                .report(TestModels.report(Map.of("f1", 0.5)))
                .register();
        registry.documents(made).attach("bias", new byte[] {(byte) i}, "text/plain");
        registry.promote(made, "production").apply();
      }
      summary = registry.archive().backup(backup);
      registry.archive().export(registry.version("m", 1), version);
    }
  }

  /** Whether the registry has been restored; fails if it is something between whole and empty. */
  private boolean restored(Path target) {
    try (ModelRegistry registry = ModelRegistry.open(target)) {
      assertThat(registry.verify().problems()).isEmpty();
      if (registry.models().isEmpty()) {
        assertThat(registry.transactions().read(TableRows::filled)).isEmpty();
        assertThat(registry.audit().head()).isEmpty();
        return false;
      }
      assertThat(registry.versions("m")).hasSize(VERSIONS);
      assertThat(registry.verify().versions()).isEqualTo(VERSIONS);
      assertThat(registry.aliasHistory("m", "production")).hasSize(VERSIONS);
      assertThat(registry.audit().verify()).isEmpty();
      assertThat(registry.audit().head().orElseThrow().action()).isEqualTo("restore");
      return true;
    }
  }

  private void restoreAgain(Path target) throws IOException {
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (ModelRegistry registry = ModelRegistry.open(target, later)) {
      assertThat(registry.archive().restore(backup)).isEqualTo(summary);
      registry.collectGarbage();
      assertThat(contents(target)).isEqualTo(summary.contents());
      assertThat(target.resolve("staging")).isEmptyDirectory();
    }
    assertThat(restored(target)).isTrue();
  }

  private static long contents(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("blobs"))) {
      return files.filter(Files::isRegularFile).count();
    }
  }

  @Test
  void aRestoreThatDiedLeavesAnEmptyRegistryAndCanBeStartedAgain() throws Exception {
    Path target = temp.resolve("target");
    for (int step : new int[] {2, 12, 25}) {
      assertThat(ArchiveProcess.run(Work.RESTORE, target, backup, step))
          .as("halted at step %d", step)
          .isEqualTo(ArchiveProcess.HALTED);
      assertThat(restored(target)).isFalse();
    }
    restoreAgain(target);
  }

  @Test
  void anImportThatDiedRegistersNothing() throws Exception {
    Path target = temp.resolve("target");
    for (int step : new int[] {1, 3}) {
      assertThat(ArchiveProcess.run(Work.IMPORT, target, version, step))
          .isEqualTo(ArchiveProcess.HALTED);
      try (ModelRegistry registry = ModelRegistry.open(target)) {
        assertThat(registry.models()).isEmpty();
        assertThat(registry.verify().problems()).isEmpty();
      }
    }
    assertThat(ArchiveProcess.run(Work.IMPORT, target, version, NEVER)).isZero();
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (ModelRegistry registry = ModelRegistry.open(target, later)) {
      assertThat(registry.collectGarbage().folders() + registry.collectGarbage().contents())
          .isZero();
      assertThat(target.resolve("staging")).isEmptyDirectory();
      assertThat(registry.versions("m")).hasSize(1);
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void anArchiveWhoseWriterDiedIsTheOlderOneOrAbsent() throws Exception {
    Path file = temp.resolve("new.tar");
    assertThat(ArchiveProcess.run(Work.EXPORT, source, file, 2)).isEqualTo(ArchiveProcess.HALTED);
    assertThat(ArchiveProcess.run(Work.BACKUP, source, file, 5)).isEqualTo(ArchiveProcess.HALTED);
    assertThat(file).doesNotExist();
    Files.writeString(file, "an older one");
    assertThat(ArchiveProcess.run(Work.EXPORT, source, file, 2)).isEqualTo(ArchiveProcess.HALTED);
    assertThat(file).hasContent("an older one");

    assertThat(ArchiveProcess.run(Work.BACKUP, source, file, NEVER)).isZero();
    try (ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      assertThat(target.archive().restore(file).contents()).isEqualTo(summary.contents());
    }
  }

  /**
   * At any time: the files take their places, the rows come, the transaction ends. The next process
   * lives longer if one was killed before the end, and shorter if it was done.
   */
  @Test
  @Tag("heavy")
  void aRestoreThatIsKilledAtAnyTimeIsWholeOrNothing(TestReporter reporter) throws Exception {
    Random random = new Random(11);
    Path whole = temp.resolve("whole");
    long begin = System.nanoTime();
    assertThat(ArchiveProcess.run(Work.RESTORE, whole, backup, NEVER)).isZero();
    double life = System.nanoTime() - begin;
    int kills = Integer.getInteger("athanor.kills", 60);
    Map<String, String> counts = new TreeMap<>();
    int done = 0;
    int nothing = 0;
    for (int kill = 0; kill < kills; kill++) {
      Path target = temp.resolve("target-" + kill);
      Process process = ArchiveProcess.start(Work.RESTORE, target, backup, NEVER);
      process.waitFor((long) (life * (0.5 + random.nextDouble())), TimeUnit.NANOSECONDS);
      process.destroyForcibly();
      process.waitFor();
      if (restored(target)) {
        done++;
        life *= SHORTER;
      } else {
        nothing++;
        life *= LONGER;
        restoreAgain(target);
      }
      AtomicFolder.delete(target);
    }
    counts.put("kills", Integer.toString(kills));
    counts.put("whole", Integer.toString(done));
    counts.put("empty", Integer.toString(nothing));
    reporter.publishEntry(counts);
    assertThat(nothing).isPositive();
    assertThat(done).isPositive();
  }
}
