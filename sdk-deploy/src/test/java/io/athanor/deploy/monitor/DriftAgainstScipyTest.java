package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Distribution;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Expected values are SciPy's; {@code regenerate.py} beside the fixture writes them. */
class DriftAgainstScipyTest {
  private static final JsonNode CASES = cases();
  private static final Offset<Double> CLOSE = within(1e-9);
  private static final Trait AGE = new Trait("age", Aspect.VALUE);

  @Test
  void distancesOfNumbersAreThoseOfKolmogorovAndSmirnovAtTheCuts() {
    int compared = 0;
    for (JsonNode one : CASES.get("numbers")) {
      TraitDrift drift =
          drift(
              new Distribution.Numbers(
                  one.get("count").longValue(), doubles(one.get("cuts")), doubles(one.get("upTo"))),
              tallies -> doubles(one.get("now")).forEach(number -> tallies.number(AGE, number)));

      assertThat(drift.test()).isEqualTo(TraitDrift.Test.KOLMOGOROV_SMIRNOV);
      assertThat(drift.statistic()).isCloseTo(one.get("distance").doubleValue(), CLOSE);
      assertThat(drift.statistic())
          .isCloseTo(one.get("exactDistance").doubleValue(), within(0.021));
      assertThat(drift.pValue()).isCloseTo(one.get("pValue").doubleValue(), CLOSE);
      assertThat(drift.stability()).isCloseTo(one.get("stability").doubleValue(), CLOSE);
      assertThat(drift.drifted()).isEqualTo(!one.get("name").textValue().equals("same"));
      compared++;
    }
    assertThat(compared).isEqualTo(4);
  }

  @Test
  void differencesOfWordsAreChiSquares() {
    int compared = 0;
    for (JsonNode one : CASES.get("words")) {
      TraitDrift drift =
          drift(
              new Distribution.Categories(counts(one.get("before")), 0),
              tallies ->
                  counts(one.get("now"))
                      .forEach(
                          (word, times) -> {
                            for (int i = 0; i < times; i++) {
                              tallies.category(AGE, word);
                            }
                          }));

      assertThat(drift.test()).isEqualTo(TraitDrift.Test.CHI_SQUARE);
      assertThat(drift.statistic()).isCloseTo(one.get("statistic").doubleValue(), CLOSE);
      assertThat(drift.pValue()).isCloseTo(one.get("pValue").doubleValue(), CLOSE);
      assertThat(drift.drifted()).isEqualTo(one.get("name").textValue().equals("moved"));
      compared++;
    }
    assertThat(compared).isEqualTo(2);
  }

  @Test
  void discrepanciesOfVectorsAreNearThoseOfTheWholeKernel() {
    Trait vector = new Trait("text", Aspect.EMBEDDING);
    int compared = 0;
    for (JsonNode one : CASES.get("vectors")) {
      Distribution.Vectors before = EmbeddingBaseline.of(vectors(one.get("before")));
      assertThat(before.bandwidth()).isCloseTo(one.get("bandwidth").doubleValue(), within(0.2));
      Tallies tallies = Tallies.of(Baseline.EMPTY.with(vector, before));
      vectors(one.get("now")).forEach(tallies::vector);
      DriftLimits limits = new DriftLimits(0.01, 0.25, 0.15, 0.15, 100);

      TraitDrift drift = new DriftTest(limits).of(tallies.byTrait()).get(0);

      assertThat(drift.statistic()).isCloseTo(one.get("discrepancy").doubleValue(), within(0.05));
      assertThat(drift.drifted()).isEqualTo(one.get("name").textValue().equals("moved"));
      compared++;
    }
    assertThat(compared).isEqualTo(2);
  }

  @Test
  void manyTraitsRaiseEachOthersValuesAsBenjaminiAndHochbergSay() {
    List<Double> values = doubles(CASES.get("adjusted").get("pValues"));
    List<Double> expected = doubles(CASES.get("adjusted").get("expected"));
    List<TraitDrift> found =
        values.stream()
            .map(p -> new TraitDrift(AGE, TraitDrift.Test.CHI_SQUARE, 500, 9, p, p, 1, false))
            .toList();

    List<TraitDrift> adjusted = new DriftTest(DriftLimits.DEFAULT).adjusted(found);

    assertThat(adjusted).hasSize(12);
    for (int i = 0; i < 12; i++) {
      assertThat(adjusted.get(i).adjusted()).isCloseTo(expected.get(i), CLOSE);
      assertThat(adjusted.get(i).drifted()).isEqualTo(expected.get(i) < 0.01);
    }
  }

  @Test
  void wordsThatWereNeverSeenBeforeAreDrift() {
    TraitDrift drift =
        drift(
            new Distribution.Categories(Map.of("red", 1_000L), 0),
            tallies -> {
              for (int i = 0; i < 400; i++) {
                tallies.category(AGE, i % 2 == 0 ? "red" : "new" + i);
              }
            });

    assertThat(drift.drifted()).isTrue();
    assertThat(drift.stability()).isGreaterThan(1);
  }

  @Test
  void aTraitThatNeverChangesDoesNotDrift() {
    TraitDrift drift =
        drift(
            new Distribution.Categories(Map.of("present", 1_000L), 0),
            tallies -> {
              for (int i = 0; i < 400; i++) {
                tallies.category(AGE, "present");
              }
            });

    assertThat(drift.pValue()).isEqualTo(1);
    assertThat(drift.drifted()).isFalse();
  }

  @Test
  void fewValuesSayNothing() {
    Tallies tallies =
        Tallies.of(
            Baseline.EMPTY.with(AGE, new Distribution.Numbers(9, List.of(1.0), List.of(1.0))));
    for (int i = 0; i < 199; i++) {
      tallies.number(AGE, 5);
    }

    assertThat(new DriftTest(DriftLimits.DEFAULT).of(tallies.byTrait())).isEmpty();
  }

  @Test
  void refusesLimitsAndVectorsThatMakeNoSense() {
    assertThatThrownBy(() -> new DriftLimits(0, 0.25, 0.15, 0.15, 200))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("significance must be above 0");
    assertThatThrownBy(() -> EmbeddingBaseline.of(List.of(new float[] {1}, new float[] {1, 2})))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("vectors must be of one length, got 1 and 2");
    assertThatThrownBy(() -> EmbeddingBaseline.of(List.of(new float[] {1}, new float[] {1})))
        .hasMessageContaining("not all alike");
  }

  private static TraitDrift drift(Distribution before, java.util.function.Consumer<Tallies> now) {
    Tallies tallies = Tallies.of(Baseline.EMPTY.with(AGE, before));
    now.accept(tallies);
    List<TraitDrift> found = new DriftTest(DriftLimits.DEFAULT).of(tallies.byTrait());
    assertThat(found).hasSize(1);
    return found.get(0);
  }

  private static List<Double> doubles(JsonNode list) {
    List<Double> numbers = new ArrayList<>();
    list.forEach(number -> numbers.add(number.doubleValue()));
    return numbers;
  }

  private static Map<String, Long> counts(JsonNode object) {
    Map<String, Long> counts = new LinkedHashMap<>();
    object.properties().forEach(e -> counts.put(e.getKey(), e.getValue().longValue()));
    return counts;
  }

  private static List<float[]> vectors(JsonNode list) {
    List<float[]> vectors = new ArrayList<>();
    for (JsonNode row : list) {
      float[] vector = new float[row.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = row.get(i).floatValue();
      }
      vectors.add(vector);
    }
    return vectors;
  }

  private static JsonNode cases() {
    try (InputStream json = DriftAgainstScipyTest.class.getResourceAsStream("drift.json")) {
      return new ObjectMapper().readTree(json);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
