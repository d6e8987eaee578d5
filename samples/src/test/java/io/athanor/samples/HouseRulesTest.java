package io.athanor.samples;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.core.importer.Locations;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HouseRulesTest {

  private static final HouseRules HOUSE = new HouseRules("io.athanor");
  private static final SourceTree SOURCES = SourceTree.ofThisCheckout();
  private static final int LONGEST_FILE = 500;

  private static JavaClasses classes;

  @BeforeAll
  static void importTheHouse() {
    var locations = new HashSet<>(Locations.ofPackage("io.athanor"));
    // Not on the class path, where a second backend would leave the samples without the only one.
    for (String module :
        List.of(
            "sdk-training/backend-dl4j",
            "sdk-registry/store-s3",
            "sdk-registry/store-encrypted",
            "samples/spring-boot")) {
      locations.add(Location.of(SOURCES.root().resolve(module).resolve("target/classes")));
    }
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importLocations(locations);
  }

  static Stream<Named<ArchRule>> rules() {
    return rulesOf(HOUSE).entrySet().stream().map(rule -> Named.of(rule.getKey(), rule.getValue()));
  }

  static Map<String, ArchRule> rulesOf(HouseRules house) {
    var rules = new LinkedHashMap<String, ArchRule>();
    rules.put("packages are free of cycles", house.packagesAreFreeOfCycles());
    rules.put("every class lives in a module", house.everyClassLivesInAModule());
    rules.put("modules follow the arrows", house.modulesFollowTheArrows());
    rules.put("no stage imports a backend", house.noStageImportsABackend());
    rules.put("rooms do not use the front door", house.roomsDoNotUseTheFrontDoor());
    rules.put("exceptions are specific", house.exceptionsAreSpecific());
    rules.put("standard streams belong to faces", house.standardStreamsBelongToFaces());
    rules.put("packages are null-marked", house.packagesAreNullMarked());
    rules.put("names say what a thing is", house.namesSayWhatAThingIs());
    rules.put("public names are unique", house.publicNamesAreUnique());
    rules.put("static fields are final", house.staticFieldsAreFinal());
    return rules;
  }

  @ParameterizedTest
  @MethodSource("rules")
  void theHouseKeeps(ArchRule rule) {
    rule.check(classes);
  }

  @Test
  void everyModuleOnTheClassPathIsScanned() {
    var unscanned =
        HOUSE.modules().stream()
            .filter(root -> !root.equals("io.athanor.benchmarks"))
            .filter(
                root -> classes.stream().filter(c -> lives(c.getPackageName(), root)).count() < 3)
            .toList();

    assertThat(unscanned).as("modules with fewer than three classes in sight").isEmpty();
    assertThat(classes.size()).as("classes scanned").isGreaterThan(200);
  }

  @Test
  void noSourceFileIsTooLong() throws IOException {
    var lines = SOURCES.lines();

    assertThat(lines.size()).as("files scanned").isGreaterThan(150);
    assertThat(lines)
        .allSatisfy((file, count) -> assertThat(count).isLessThanOrEqualTo(LONGEST_FILE));
  }

  @Test
  void everyModuleNamesItsRootPackage() throws IOException {
    var names = new ArrayList<String>();
    for (var module : SOURCES.modules()) {
      names.addAll(
          SourceTree.texts(
              module.resolve("pom.xml"), "/project/properties/*[name()='automatic.module.name']"));
    }

    assertThat(names).containsExactlyInAnyOrderElementsOf(HOUSE.modules());
  }

  @Test
  void theBomListsEveryPublishedModule() throws IOException {
    var published = new ArrayList<String>();
    for (var module : SOURCES.modules()) {
      if (!List.of("bom", "benchmarks", "samples", "spring-boot")
          .contains(module.getFileName().toString())) {
        published.add(module.getFileName().toString());
      }
    }
    var bom = SOURCES.root().resolve("bom/pom.xml");

    assertThat(published).hasSizeGreaterThan(10);
    assertThat(SourceTree.texts(bom, "//dependency/artifactId"))
        .containsExactlyInAnyOrderElementsOf(published);
    assertThat(SourceTree.texts(bom, "/project/version"))
        .isEqualTo(SourceTree.texts(SOURCES.root().resolve("pom.xml"), "/project/version"));
  }

  private static boolean lives(String name, String root) {
    return name.equals(root) || name.startsWith(root + ".");
  }
}
