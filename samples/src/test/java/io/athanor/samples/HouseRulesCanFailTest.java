package io.athanor.samples;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every rule of the house finds the fault built for it into the package {@code badhouse}. */
class HouseRulesCanFailTest {

  private static final String BASE = "io.athanor.samples.badhouse";
  private static final JavaClasses BAD_HOUSE = new ClassFileImporter().importPackages(BASE);
  private static final Map<String, ArchRule> RULES = HouseRulesTest.rulesOf(new HouseRules(BASE));

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of("packages are free of cycles", "eval.metric"),
        Arguments.of("every class lives in a module", "attic.Stray"),
        Arguments.of("modules follow the arrows", "TrainsAndEvaluates"),
        Arguments.of("no stage imports a backend", "TiedToAnEngine"),
        Arguments.of("rooms do not use the front door", "LooksBack"),
        Arguments.of("exceptions are specific", "ThrowsAnything"),
        Arguments.of("standard streams belong to faces", "Shouts"),
        Arguments.of("packages are null-marked", "attic.Stray"),
        Arguments.of("names say what a thing is", "StringUtils"),
        Arguments.of("public names are unique", "Twin"),
        Arguments.of("static fields are final", "Counts"));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void faultIsFound(String rule, String culprit) {
    var result = RULES.get(rule).evaluate(BAD_HOUSE);

    assertThat(result.hasViolation()).isTrue();
    assertThat(result.getFailureReport().getDetails())
        .anySatisfy(detail -> assertThat(detail).contains(culprit));
  }

  @Test
  void everyRuleHasItsFault() {
    assertThat(faults().map(fault -> fault.get()[0]))
        .containsExactlyInAnyOrderElementsOf(RULES.keySet());
  }

  @Test
  void wellBuiltClassIsNotBlamed() {
    var blames =
        RULES.values().stream()
            .flatMap(rule -> rule.evaluate(BAD_HOUSE).getFailureReport().getDetails().stream())
            .toList();

    assertThat(blames).hasSizeGreaterThan(RULES.size());
    assertThat(blames).allSatisfy(blame -> assertThat(blame).doesNotContain("WellBuilt"));
  }

  @Test
  void longFileIsCounted(@TempDir Path folder) throws IOException {
    Path sources = Path.of("a", "src", "main", "java");
    Files.createDirectories(folder.resolve(sources));
    Files.write(folder.resolve(sources).resolve("Long.java"), Collections.nCopies(501, "// line"));

    assertThat(new SourceTree(folder).lines())
        .containsExactly(Map.entry(sources.resolve("Long.java"), 501));
  }
}
