package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes on one registry, and processes that are killed. */
class ProcessesTest extends RegistryContract {
  private static final int LONGEST_LIFE_MILLIS = 250;

  @TempDir private Path temp;

  @Test
  void survivesKills() throws Exception {
    survivesKills(6);
  }

  @Test
  @Tag("heavy")
  void survivesManyKills() throws Exception {
    survivesKills(20);
  }

  @Test
  void losesNothingInARace() throws Exception {
    losesNothingInARace(3, 5);
  }

  @Test
  @Tag("heavy")
  void losesNothingInALongRace() throws Exception {
    losesNothingInARace(8, 200);
  }

  @Test
  void threadsShareARegistry() throws Exception {
    int threads = 6;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (var registry = store.in(temp.resolve("registry")).open()) {
      List<Future<ModelVersion>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        String content = "content " + i % 2;
        results.add(
            pool.submit(
                () -> {
                  Path folder = TestModels.folder(temp, content);
                  ModelVersion version = registry.registration("m", folder).register();
                  registry.versions("m").forEach(ModelVersion::verify);
                  return version;
                }));
      }
      Set<Integer> numbers = new HashSet<>();
      for (Future<ModelVersion> result : results) {
        numbers.add(result.get().number());
      }
      assertThat(numbers).containsExactlyInAnyOrder(1, 2, 3, 4, 5, 6);
      assertThat(registry.verify()).isEqualTo(new RegistryCheck(6, 18, List.of()));
    } finally {
      pool.shutdown();
    }
  }

  private void survivesKills(int kills) throws Exception {
    Path folder = temp.resolve("registry");
    Random random = new Random(11);
    for (int kill = 0; kill < kills; kill++) {
      Process process = RegistryProcess.start("churn", store, folder, random.nextLong());
      assertThat(RegistryProcess.outputUpTo("has registered", process)).endsWith("has registered");
      boolean ended = process.waitFor(random.nextInt(LONGEST_LIFE_MILLIS), TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
      assertThat(ended).as(() -> "ended by itself: " + output(process)).isFalse();
      try (var registry = store.in(folder).open()) {
        assertThat(registry.verify().problems()).as("after kill %s", kill).isEmpty();
      }
    }
    everyFileHasAnOwner(folder);
  }

  private static String output(Process process) {
    try {
      return RegistryProcess.rest(process);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void everyFileHasAnOwner(Path folder) throws IOException {
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (var registry = store.in(folder).clock(later).open()) {
      registry.collectGarbage();
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(registry.collectGarbage()).isEqualTo(new GarbageCollected(0, 0, 0));
      Set<String> used = new HashSet<>();
      int versions = 0;
      for (String name : registry.models()) {
        for (ModelVersion version : registry.versions(name)) {
          versions++;
          version.manifest().files().forEach(file -> used.add(file.digest().hex()));
        }
      }
      assertThat(versions).as("versions that outlived the kills").isPositive();
      assertThat(filesBelow(folder.resolve("blobs"))).containsExactlyInAnyOrderElementsOf(used);
      assertThat(filesBelow(folder.resolve("models"))).hasSize(versions * 3);
      assertThat(folder.resolve("staging")).isEmptyDirectory();
    }
  }

  private static List<String> filesBelow(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()).toList();
    }
  }

  private void losesNothingInARace(int count, int each) throws Exception {
    Path folder = temp.resolve("registry");
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      processes.add(RegistryProcess.start("race", store, folder, each));
    }
    for (Process process : processes) {
      String output = RegistryProcess.rest(process);
      assertThat(process.waitFor()).as(output).isZero();
    }
    try (var registry = store.in(folder).open()) {
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(registry.versions("shared"))
          .extracting(ModelVersion::number)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, count * each).boxed().toList());
      List<AliasMove> moves = registry.aliasHistory("shared", "latest");
      assertThat(moves).hasSize(count * each);
      for (int i = 1; i < moves.size(); i++) {
        assertThat(moves.get(i).from()).isEqualTo(moves.get(i - 1).to());
        assertThat(moves.get(i).at()).isAfterOrEqualTo(moves.get(i - 1).at());
      }
      assertThat(registry.aliases("shared").get("latest"))
          .isEqualTo(moves.get(moves.size() - 1).to().orElseThrow());
      assertThat(registry.models()).containsExactly("shared");
    }
  }
}
