package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelRegistryTest extends RegistryContract {
  @TempDir private Path temp;
  private final TestClock clock = TestClock.standing();
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).clock(clock).open();
  }

  @AfterEach
  void everythingIsInOrder() {
    registry.close();
    try (var again = store.in(temp.resolve("registry")).clock(clock).open()) {
      assertThat(again.verify().problems()).isEmpty();
    }
  }

  private ModelVersion register(String name, String content) {
    return registry.registration(name, TestModels.folder(temp, content)).register();
  }

  @Test
  void numbersVersionsOfEachModelFromOne() {
    assertThat(register("spam-filter", "a").id()).isEqualTo(new VersionId("spam-filter", 1));
    assertThat(register("spam-filter", "b").id()).isEqualTo(new VersionId("spam-filter", 2));
    assertThat(register("other", "c").id()).isEqualTo(new VersionId("other", 1));

    assertThat(registry.models()).containsExactly("other", "spam-filter");
    assertThat(registry.versions("spam-filter"))
        .extracting(ModelVersion::number)
        .containsExactly(1, 2);
  }

  @Test
  void keepsWhatWasSaidOfAVersion() {
    EvaluationReport report = TestModels.gated(Map.of("f1", 0.97), true);

    ModelVersion version =
        registry
            .registration("spam-filter", TestModels.folder(temp, "a"))
            .description("The first one")
            .tag("team", "mail")
            .report(report)
            .register();

    registry.close();
    registry = store.in(temp.resolve("registry")).clock(clock).open();
    ModelVersion read = registry.version("spam-filter", 1);
    assertThat(read).usingRecursiveComparison().ignoringFields("folder").isEqualTo(version);
    assertThat(read.folder()).isEqualTo(version.folder());
    assertThat(read.notes().description()).isEqualTo("The first one");
    assertThat(read.notes().tags()).containsExactly(Map.entry("team", "mail"));
    assertThat(read.metrics()).containsExactly(Map.entry("f1", 0.97));
    assertThat(read.verdict()).isEqualTo(Verdict.PASSED);
    assertThat(read.created())
        .isEqualTo(ModelVersion.Stamp.of(clock.instant(), registry.principal()));
    assertThat(registry.report(read).orElseThrow().metric("f1").value()).isEqualTo(0.97);
  }

  @Test
  void showsTheFilesInAFolderThatOtherToolsCanRead() throws IOException {
    ModelVersion version = register("spam-filter", "weights of a");

    assertThat(version.folder())
        .isEqualTo(temp.resolve("registry/models/base/spam-filter/1").toAbsolutePath());
    assertThat(version.folder().resolve("weights.bin")).hasContent("weights of a");
    assertThat(version.folder().resolve("text/vocabulary.txt")).hasContent("words");
    assertThat(version.manifest().text())
        .isEqualTo(
            Digest.ofText("{\"layers\": 2}").hex()
                + "  config.json\n"
                + Digest.ofText("words").hex()
                + "  text/vocabulary.txt\n"
                + Digest.ofText("weights of a").hex()
                + "  weights.bin\n");
    assertThat(version.bytes()).isEqualTo(13 + 5 + 12);
  }

  @Test
  void keepsEachContentOnceOnDisk() throws IOException {
    ModelVersion first = register("spam-filter", "same");
    ModelVersion second = register("other", "same");

    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(
            Files.isSameFile(
                first.folder().resolve("weights.bin"), second.folder().resolve("weights.bin")))
        .isTrue();
    try (var blobs = Files.walk(temp.resolve("registry/blobs"))) {
      assertThat(blobs.filter(Files::isRegularFile)).hasSize(3);
    }
  }

  @Test
  void leavesNothingInStaging() throws IOException {
    register("spam-filter", "a");

    assertThat(temp.resolve("registry/staging")).isEmptyDirectory();
  }

  @Test
  void refusesUnsafeNamesAndSaysTheRule() {
    for (String name : new String[] {"", "Spam", "../x", "a/b", "-a", "a b", "a".repeat(101)}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> registry.registration(name, temp))
          .withMessageContaining("name must be 1 to 100 of the characters a-z, 0-9")
          .withMessageContaining("got '" + name + "'");
    }
  }

  @Test
  void saysWhatThereIsWhenSomethingIsNot() {
    register("spam-filter", "a");

    assertThatThrownBy(() -> registry.versions("ham"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageStartingWith("No model 'ham'; there is spam-filter.");
    assertThatThrownBy(() -> registry.version("spam-filter", 2))
        .isInstanceOf(NotFoundException.class)
        .hasMessageStartingWith("No version spam-filter:2; there is spam-filter:1.");
    assertThatThrownBy(() -> registry.alias("spam-filter", "production"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageStartingWith("No alias 'production' of spam-filter; there is none.");
    assertThatThrownBy(() -> registry.withdraw("spam-filter", "production"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("There is nothing to withdraw");
  }

  @Test
  void cannotBeUsedAfterClose() {
    ModelVersion version = register("spam-filter", "a");
    registry.close();
    registry.close();

    assertThatIllegalStateException()
        .isThrownBy(() -> registry.models())
        .withMessage("registry is closed");
    assertThatIllegalStateException().isThrownBy(() -> register("spam-filter", "b"));
    assertThatIllegalStateException().isThrownBy(() -> registry.report(version));
    assertThatIllegalStateException().isThrownBy(() -> registry.promote(version, "production"));
  }

  @Test
  void removesFilesOfDeletedVersionsThatNoOtherVersionHas() throws IOException {
    ModelVersion first = register("spam-filter", "first");
    ModelVersion second = register("spam-filter", "second");

    registry.delete(first).apply();

    assertThat(registry.versions("spam-filter")).containsExactly(second);
    assertThat(first.folder()).doesNotExist();
    try (var blobs = Files.walk(temp.resolve("registry/blobs"))) {
      assertThat(blobs.filter(Files::isRegularFile).map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(
              second.manifest().files().stream().map(f -> f.digest().hex()).toList());
    }
    assertThat(register("spam-filter", "third").number()).isEqualTo(3);
  }

  @Test
  void neverGivesANumberTwice() {
    registry.delete(register("spam-filter", "a")).apply();

    assertThat(registry.models()).isEmpty();
    assertThat(register("spam-filter", "a").number()).isEqualTo(2);
  }

  @Test
  void tellsAncestorsAndDescendants() {
    ModelVersion base = register("base", "a");
    ModelVersion middle = child("tuned", base);
    clock.advance(Duration.ofSeconds(1));
    ModelVersion leaf = child("tuned", middle);
    register("stranger", "b");

    Lineage lineage = registry.lineage(middle);

    assertThat(lineage.ancestors()).containsExactly(base);
    assertThat(lineage.descendants()).containsExactly(leaf);
    assertThat(registry.lineage(leaf).ancestors()).containsExactly(middle, base);
    assertThat(registry.lineage(base).descendants()).containsExactly(middle, leaf);
    assertThat(lineage.toString())
        .startsWith("from base:1 (")
        .contains("\nthis tuned:1 (")
        .contains("\nmade tuned:2 (");
  }

  private ModelVersion child(String name, ModelVersion parent) {
    return registry
        .registration(name, TestModels.folder(temp, name + parent))
        .parent(parent)
        .register();
  }

  @Test
  void refusesAParentThatWasDeleted() {
    ModelVersion parent = register("base", "a");
    registry.delete(parent).apply();

    assertThatThrownBy(() -> child("tuned", parent))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No version base:1");
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void comparesMetricsSideBySide() {
    ModelVersion first =
        registry
            .registration("m", TestModels.folder(temp, "a"))
            .report(TestModels.report(Map.of("f1", 0.5, "recall", 0.25)))
            .register();
    ModelVersion second =
        registry
            .registration("m", TestModels.folder(temp, "bb"))
            .report(TestModels.report(Map.of("f1", 0.75, "auc", 0.125)))
            .register();

    VersionComparison comparison = registry.compare(first, second);

    assertThat(comparison.metrics())
        .extracting(VersionComparison.Line::metric)
        .containsExactly("auc", "f1", "recall");
    assertThat(comparison.metrics().get(1).difference()).contains(0.25);
    assertThat(comparison.metrics().get(0).difference()).isEmpty();
    assertThat(comparison.toString().lines().map(line -> line.strip().split("\\s+")))
        .contains(
            new String[] {"m:1", "m:2", "difference"},
            new String[] {"f1", "0.500000", "0.750000", "+0.2500"},
            new String[] {"recall", "0.250000", "-", "-"});
  }
}
