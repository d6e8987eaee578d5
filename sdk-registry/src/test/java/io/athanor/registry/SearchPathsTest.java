package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.Search.Measure;
import io.athanor.api.registry.Search.Sort;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.RoleTable.Grant;
import io.athanor.registry.store.SearchQuery;
import io.athanor.registry.store.Transactions;
import io.athanor.registry.store.VersionTable;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever way a search goes through the tables, it finds what looking at each version finds. */
class SearchPathsTest extends RegistryContract {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final int VERSIONS = 240;
  private static final List<Integer> FEW = List.of(0, 15, 5000);
  private static final Comparator<ModelVersion> NEWEST_FIRST =
      Comparator.comparing((ModelVersion version) -> version.created().at()).reversed();

  @TempDir private Path temp;
  private final VersionTable table = new VersionTable((place, manifest) -> Path.of(place));
  private final List<ModelVersion> all = new ArrayList<>();
  private final Random random = new Random(7);

  /** A search, and the same in Java. */
  private record Asked(
      Search search, Predicate<ModelVersion> condition, Comparator<ModelVersion> order) {
    Asked and(Search narrower, Predicate<ModelVersion> more) {
      return new Asked(narrower, condition.and(more), order);
    }
  }

  @BeforeEach
  void fill() {
    store.in(temp).open().close();
    try (Transactions transactions = new Transactions(store.database(temp))) {
      transactions.write(
          session -> {
            for (int i = 0; i < VERSIONS; i++) {
              VersionId id = table.allocate(session, "m-" + random.nextInt(12));
              ModelVersion version = version(id, i);
              table.insert(session, version, "models/base/" + id.name() + "/" + id.number());
              all.add(version);
            }
            return all;
          });
    }
  }

  private ModelVersion version(VersionId id, int i) {
    ModelNotes notes =
        ModelNotes.none()
            .withDescription("beta" + random.nextInt(4) + " alpha" + random.nextInt(4));
    if (random.nextBoolean()) {
      notes = notes.withTag("team", "t" + random.nextInt(3));
    }
    OptionalLong parameters =
        random.nextBoolean() ? OptionalLong.of(random.nextInt(5)) : OptionalLong.empty();
    return ModelVersion.builder(
            id,
            ModelVersion.Stamp.of(START.plusSeconds(i), new Principal("p")),
            new Manifest(List.of(new Manifest.Entry("f", 1, Digest.ofText("" + i)))),
            () -> temp)
        .notes(notes)
        .facts(
            new ModelFacts(
                random.nextInt(3) == 0 ? ModelType.REGRESSION : ModelType.CLASSIFICATION,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                parameters,
                OptionalInt.empty(),
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty()))
        .metrics(random.nextInt(4) == 0 ? Map.of() : Map.of("f1", random.nextInt(20) / 20.0))
        .build();
  }

  private Asked ask() {
    Asked asked = new Asked(Search.all(), version -> true, NEWEST_FIRST);
    for (int i = random.nextInt(4); i > 0; i--) {
      asked = narrowed(asked);
    }
    return sorted(asked, random.nextBoolean());
  }

  private Asked narrowed(Asked asked) {
    Search search = asked.search();
    double low = random.nextInt(20) / 20.0;
    int small = random.nextInt(4);
    Instant time = START.plusSeconds(random.nextInt(VERSIONS));
    return switch (random.nextInt(10)) {
      case 0 -> asked.and(search.metricAtLeast("f1", low), v -> f1(v).orElse(-1.0) >= low);
      case 1 -> asked.and(search.metricAtMost("f1", low), v -> f1(v).orElse(2.0) <= low);
      case 2 -> asked.and(search.createdFrom(time), v -> !v.created().at().isBefore(time));
      case 3 -> asked.and(search.createdBefore(time), v -> v.created().at().isBefore(time));
      case 4 ->
          asked.and(
              search.type(ModelType.REGRESSION), v -> v.facts().type() == ModelType.REGRESSION);
      case 5 ->
          asked.and(
              search.tag("team", "t" + small),
              v -> ("t" + small).equals(v.notes().tags().get("team")));
      case 6 ->
          asked.and(
              search.text("beta" + small + " alph"),
              v -> v.notes().description().startsWith("beta" + small));
      case 7 ->
          asked.and(
              search.text("alpha" + small + " BETA1"),
              v -> v.notes().description().equals("beta1 alpha" + small));
      case 8 ->
          asked.and(
              search.parametersBetween(small, 3),
              v -> parameters(v) >= small && parameters(v) <= 3);
      default -> asked.and(search.updatedBefore(time), v -> v.updated().at().isBefore(time));
    };
  }

  private Asked sorted(Asked asked, boolean descending) {
    Comparator<ModelVersion> byName = Comparator.comparing(ModelVersion::name);
    return switch (random.nextInt(6)) {
      case 0 ->
          ordered(
              asked,
              new Sort.ByCreated(descending),
              descending ? NEWEST_FIRST : NEWEST_FIRST.reversed());
      case 1 ->
          ordered(
              asked,
              new Sort.ByName(descending),
              (descending ? byName.reversed() : byName).thenComparing(NEWEST_FIRST));
      case 2 ->
          ordered(
              asked,
              new Sort.ByMetric("f1", descending),
              absentLast(v -> f1(v).orElse(-1.0), descending));
      case 3 ->
          ordered(
              asked,
              new Sort.BySize(Measure.PARAMETERS, descending),
              absentLast(v -> (double) parameters(v), descending));
      case 4 ->
          ordered(
              asked,
              new Sort.ByUpdated(descending),
              descending ? NEWEST_FIRST : NEWEST_FIRST.reversed());
      default -> asked;
    };
  }

  private static Asked ordered(Asked asked, Sort sort, Comparator<ModelVersion> order) {
    return new Asked(asked.search().sortBy(sort), asked.condition(), order);
  }

  /** What is below zero is absent. */
  private static Comparator<ModelVersion> absentLast(
      ToDoubleFunction<ModelVersion> value, boolean descending) {
    Comparator<ModelVersion> present = Comparator.comparingDouble(value);
    return Comparator.comparing((ModelVersion version) -> value.applyAsDouble(version) < 0)
        .thenComparing(descending ? present.reversed() : present)
        .thenComparing(NEWEST_FIRST);
  }

  private static Optional<Double> f1(ModelVersion version) {
    return Optional.ofNullable(version.metrics().get("f1"));
  }

  private static long parameters(ModelVersion version) {
    return version.facts().parameters().orElse(-1);
  }

  @Test
  void allFindTheSame() {
    int found = 0;
    try (Transactions transactions = new Transactions(store.database(temp))) {
      for (int i = 0; i < 150; i++) {
        Asked asked = ask();
        Search search =
            asked.search().page(random.nextInt(3) * 10L, 1 + random.nextInt(30)).countUpTo(20);
        List<ModelVersion> expected =
            all.stream().filter(asked.condition()).sorted(asked.order()).toList();
        for (int few : FEW) {
          SearchPage page =
              transactions.read(
                  session -> SearchQuery.run(session, search, table, Optional.empty(), few));
          requireSame(page, search, expected);
          found += page.versions().size();
        }
      }
    }
    assertThat(found).isGreaterThan(2000);
  }

  private static void requireSame(SearchPage page, Search search, List<ModelVersion> expected) {
    assertThat(page.versions())
        .as(search.conditions() + " by " + search.sort() + " from " + search.offset())
        .extracting(ModelVersion::id)
        .containsExactlyElementsOf(
            expected.stream()
                .skip(search.offset())
                .limit(search.limit())
                .map(ModelVersion::id)
                .toList());
    long reached = page.versions().isEmpty() ? 0 : search.offset() + page.versions().size();
    assertThat(page.total()).isEqualTo(Math.min(expected.size(), Math.max(20, reached)));
    assertThat(page.exact()).isEqualTo(page.total() == expected.size());
  }

  @Test
  void findsOnlyWhatMayBeRead() {
    List<Grant> grants =
        List.of(
            new Grant("r", Permission.READ, "m-3", "*"),
            new Grant("r", Permission.READ, "m-1*", "*"));
    List<VersionId> expected =
        all.stream()
            .filter(v -> v.name().equals("m-3") || v.name().startsWith("m-1"))
            .sorted(NEWEST_FIRST)
            .map(ModelVersion::id)
            .toList();
    assertThat(expected).hasSizeGreaterThan(20);
    try (Transactions transactions = new Transactions(store.database(temp))) {
      for (int few : FEW) {
        SearchPage page =
            transactions.read(
                session ->
                    SearchQuery.run(
                        session, Search.all().page(0, 1000), table, Optional.of(grants), few));
        assertThat(page.versions()).extracting(ModelVersion::id).isEqualTo(expected);
      }
    }
  }
}
