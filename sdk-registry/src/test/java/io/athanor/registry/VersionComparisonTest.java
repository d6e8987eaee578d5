package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionState;
import io.athanor.registry.VersionComparison.Fact;
import io.athanor.tck.fixture.TinyArtifacts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two versions side by side. */
class VersionComparisonTest {
  @TempDir private Path temp;

  @Test
  void tellsWhatIsTheSameAndWhatDiffers() {
    try (ModelRegistry registry = ModelRegistry.open(temp.resolve("registry"))) {
      ModelVersion base =
          registry
              .registration("spam-filter", TinyArtifacts.spam())
              .semanticVersion("1.0.0")
              .licence("MIT")
              .tag("team", "mail")
              .tag("tier", "gold")
              .report(TestModels.gated(Map.of("f1", 0.5, "recall", 0.25), true))
              .register();
      ModelVersion other =
          registry
              .changeState(
                  registry
                      .registration("mail", TestModels.folder(temp, "x"))
                      .parent(base)
                      .specialisation("French mail")
                      .tag("team", "mail")
                      .report(TestModels.report(Map.of("f1", 0.75)))
                      .register(),
                  VersionState.DEPRECATED)
              .apply();

      VersionComparison comparison = registry.compare(base, other);

      Map<String, Fact> facts =
          comparison.facts().stream().collect(Collectors.toMap(Fact::name, Function.identity()));
      assertThat(facts.get("type")).isEqualTo(new Fact("type", "CLASSIFICATION", "CUSTOM"));
      assertThat(facts.get("task")).isEqualTo(new Fact("task", "classification", "-"));
      assertThat(facts.get("parameters").first())
          .isEqualTo(Long.toString(TinyArtifacts.spam().graph().parameterCount()));
      assertThat(facts.get("parameters").second()).isEqualTo("-");
      assertThat(facts.get("semantic version"))
          .isEqualTo(new Fact("semantic version", "1.0.0", "-"));
      assertThat(facts.get("kind")).isEqualTo(new Fact("kind", "BASE", "SPECIALIZED"));
      assertThat(facts.get("parent")).isEqualTo(new Fact("parent", "-", "spam-filter:1"));
      assertThat(facts.get("state")).isEqualTo(new Fact("state", "ACTIVE", "DEPRECATED"));
      assertThat(facts.get("verdict")).isEqualTo(new Fact("verdict", "PASSED", "NO_GATES"));
      assertThat(facts.get("licence")).isEqualTo(new Fact("licence", "MIT", "-"));
      assertThat(facts.get("specialisation"))
          .isEqualTo(new Fact("specialisation", "-", "French mail"));
      assertThat(facts.get("weights").first())
          .isEqualTo(TinyArtifacts.spam().weightsDigest().brief());
      assertThat(facts.get("tag team").same()).isTrue();
      assertThat(facts.get("tag tier")).isEqualTo(new Fact("tag tier", "gold", "-"));
      assertThat(facts).hasSize(17);
      assertThat(comparison.metrics())
          .containsExactly(
              new VersionComparison.Line("f1", Optional.of(0.5), Optional.of(0.75)),
              new VersionComparison.Line("recall", Optional.of(0.25), Optional.empty()),
              new VersionComparison.Line("validation.loss", Optional.of(0.25), Optional.empty()));
      assertThat(comparison.metrics())
          .extracting(VersionComparison.Line::difference)
          .containsExactly(Optional.of(0.25), Optional.empty(), Optional.empty());
      assertThat(lines(comparison))
          .contains(
              List.of("spam-filter:1", "mail:1", "difference"),
              List.of("licence", "MIT", "-", "differs"),
              List.of("tag", "team", "mail", "mail"),
              List.of("f1", "0.500000", "0.750000", "+0.2500"))
          .noneMatch(words -> words.get(0).equals("context"));
    }
  }

  private static List<List<String>> lines(VersionComparison comparison) {
    return comparison.toString().lines().map(line -> List.of(line.trim().split("\\s+"))).toList();
  }
}
