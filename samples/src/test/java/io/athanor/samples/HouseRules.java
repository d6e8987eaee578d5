package io.athanor.samples;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaConstructorCall;
import com.tngtech.archunit.core.domain.properties.CanBeAnnotated;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.CompositeArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;

/**
 * The rules of the house, for the code below one base package.
 *
 * <p>The base is a parameter so that every rule can also be shown to fail, on a house built badly
 * on purpose.
 */
record HouseRules(String base) {

  private static final List<String> STAGES =
      List.of("training", "model", "data", "eval", "registry", "deploy");

  private static final Set<String> GENERIC_EXCEPTIONS =
      Set.of(
          "java.lang.Throwable",
          "java.lang.Exception",
          "java.lang.RuntimeException",
          "java.lang.Error");

  /** Module root package (below the base) to the other module roots it may import. */
  private static Map<String, List<String>> arrows() {
    var arrows = new LinkedHashMap<String, List<String>>();
    arrows.put("api", List.of());
    for (var leaf :
        List.of(
            "tck",
            "training",
            "model",
            "data",
            "backend.djl",
            "backend.dl4j",
            "eval",
            "registry",
            "store.s3",
            "store.encrypted")) {
      arrows.put(leaf, List.of("api"));
    }
    arrows.put("deploy", List.of("api", "model"));
    arrows.put("pipeline", Stream.concat(Stream.of("api"), STAGES.stream()).toList());
    arrows.put("server", Stream.concat(Stream.of("api", "pipeline"), STAGES.stream()).toList());
    arrows.put("benchmarks", List.copyOf(arrows.keySet()));
    arrows.put("samples", List.copyOf(arrows.keySet()));
    arrows.put("samples.spring", List.of("api", "deploy", "registry"));
    return arrows;
  }

  /** The root package of every module, in full. */
  Set<String> modules() {
    return arrows().keySet().stream().map(this::at).collect(Collectors.toUnmodifiableSet());
  }

  ArchRule packagesAreFreeOfCycles() {
    return slices().matching(base + ".(**)").should().beFreeOfCycles();
  }

  ArchRule everyClassLivesInAModule() {
    return classes()
        .that()
        .resideInAPackage(base + "..")
        .should()
        .resideInAnyPackage(within(arrows().keySet().stream()));
  }

  /** Modules import only what the arrows allow. */
  ArchRule modulesFollowTheArrows() {
    return all(
        arrows().entrySet().stream()
            .map(
                arrow ->
                    classes()
                        .that()
                        .resideInAPackage(at(arrow.getKey()) + "..")
                        .should()
                        .onlyDependOnClassesThat(
                            resideOutsideOfPackage(base + "..")
                                .or(
                                    resideInAnyPackage(
                                        within(
                                            Stream.concat(
                                                Stream.of(arrow.getKey()),
                                                arrow.getValue().stream())))))
                        .allowEmptyShould(true)));
  }

  ArchRule noStageImportsABackend() {
    return noClasses()
        .that()
        .resideInAnyPackage(within(Stream.concat(STAGES.stream(), Stream.of("pipeline", "server"))))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(at("backend") + "..");
  }

  /** The root package of a module may use its sub-packages, never the other way round. */
  ArchRule roomsDoNotUseTheFrontDoor() {
    return all(
        arrows().keySet().stream()
            .map(this::at)
            .map(
                root ->
                    noClasses()
                        .that(resideInAPackage(root + "..").and(not(resideInAPackage(root))))
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage(root)
                        .allowEmptyShould(true)));
  }

  ArchRule exceptionsAreSpecific() {
    return noClasses().should(createGenericExceptions());
  }

  ArchRule standardStreamsBelongToFaces() {
    return noClasses()
        .that()
        .resideOutsideOfPackages(
            at("samples") + "..", at("benchmarks") + "..", base + "..console..")
        .should(ACCESS_STANDARD_STREAMS);
  }

  ArchRule packagesAreNullMarked() {
    return classes().should(liveInANullMarkedPackage());
  }

  ArchRule namesSayWhatAThingIs() {
    return noClasses().should().haveNameMatching(".*(Util|Utils|Manager|Helper|Impl|Common)");
  }

  ArchRule publicNamesAreUnique() {
    return classes().that().arePublic().and().areTopLevelClasses().should(haveAUniqueSimpleName());
  }

  ArchRule staticFieldsAreFinal() {
    return fields().that().areStatic().should().beFinal();
  }

  private String at(String module) {
    return base + "." + module;
  }

  private String[] within(Stream<String> modules) {
    return modules.map(module -> at(module) + "..").toArray(String[]::new);
  }

  private static ArchRule all(Stream<? extends ArchRule> rules) {
    return rules
        .map(ArchRule.class::cast)
        .reduce((a, b) -> CompositeArchRule.of(a).and(b))
        .orElseThrow();
  }

  private static ArchCondition<JavaClass> createGenericExceptions() {
    return new ArchCondition<>("create generic exceptions") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        for (JavaConstructorCall call : item.getConstructorCallsFromSelf()) {
          boolean superCall = item.isAssignableTo(call.getTargetOwner().getName());
          boolean generic = GENERIC_EXCEPTIONS.contains(call.getTargetOwner().getName());
          events.add(new SimpleConditionEvent(call, generic && !superCall, call.getDescription()));
        }
      }
    };
  }

  private static ArchCondition<JavaClass> liveInANullMarkedPackage() {
    return new ArchCondition<>("live in a @NullMarked package") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        boolean marked =
            item.getPackage()
                .tryGetPackageInfo()
                .filter(CanBeAnnotated.Predicates.annotatedWith(NullMarked.class))
                .isPresent();
        events.add(
            new SimpleConditionEvent(
                item, marked, item.getName() + " lives in a package without @NullMarked"));
      }
    };
  }

  private static ArchCondition<JavaClass> haveAUniqueSimpleName() {
    return new ArchCondition<>("have a simple name that no other module uses") {
      private Map<String, List<String>> namesakes = Map.of();

      @Override
      public void init(Collection<JavaClass> all) {
        namesakes =
            all.stream()
                .collect(
                    Collectors.groupingBy(
                        JavaClass::getSimpleName,
                        Collectors.mapping(JavaClass::getName, Collectors.toList())));
      }

      @Override
      public void check(JavaClass item, ConditionEvents events) {
        var same = namesakes.getOrDefault(item.getSimpleName(), List.of());
        events.add(
            new SimpleConditionEvent(item, same.size() == 1, "The same name twice: " + same));
      }
    };
  }
}
