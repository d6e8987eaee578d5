package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.data.Trait.Aspect;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BaselineSketchTest {
  private static final WordTokenizer WORDS =
      WordTokenizer.fit(List.of("free money", "free lunch"), 16, 1);

  private static final FeatureEncoding ENCODING =
      new FeatureEncoding(
          List.of(
              new Encoder.Standardize("age", 40, 10),
              new Encoder.OneHot("town", List.of("Bonn", "Kiel"), Encoder.OneHot.Unknown.IGNORE),
              new Encoder.Text("body", 8),
              new Encoder.Image("scan", 1, 1, 2, 0, 1)),
          new TargetEncoder.Label("label", List.of("ham", "spam")),
          Optional.of(WORDS));

  @Test
  void collectsEveryAspectOfEveryKindOfColumn() {
    Traits traits = Traits.of(ENCODING);
    BaselineSketch sketch = new BaselineSketch();
    Pixels picture = Pixels.of(2, 1, 1, new byte[] {0, (byte) 255});
    traits.read(row(31.0, "Bonn", "free money", picture), sketch);
    traits.read(row(null, "Bonn", "free what what what", picture), sketch);
    traits.read(row(35.0, "Ulm", "", null), sketch);

    Map<Trait, Distribution> seen = sketch.baseline().distributions();

    assertThat(seen.keySet()).containsExactlyInAnyOrderElementsOf(traits.all());
    assertThat(words(seen, "age", Aspect.PRESENCE))
        .containsExactlyInAnyOrderEntriesOf(Map.of("present", 2L, "missing", 1L));
    assertThat(numbers(seen, "age", Aspect.VALUE).cuts()).containsExactly(31.0, 35.0);
    assertThat(words(seen, "town", Aspect.VALUE))
        .containsExactlyInAnyOrderEntriesOf(Map.of("Bonn", 2L, "Ulm", 1L));
    assertThat(numbers(seen, "body", Aspect.LENGTH).cuts()).containsExactly(0.0, 10.0, 19.0);
    assertThat(numbers(seen, "body", Aspect.UNKNOWN_TOKENS).cuts()).containsExactly(0.0, 0.75);
    assertThat(numbers(seen, "body", Aspect.TOKENS_PER_CHARACTER).cuts())
        .containsExactly(0.2, 4.0 / 19);
    assertThat(numbers(seen, "scan", Aspect.BRIGHTNESS).cuts()).containsExactly(0.5);
    assertThat(numbers(seen, "scan", Aspect.CONTRAST).cuts()).containsExactly(0.5);
  }

  @Test
  void countsOfFrequentWordsStayNearTheTruthAmongHundredsOfThousandsOfRareOnes() {
    Trait town = new Trait("town", Aspect.VALUE);
    BaselineSketch sketch = new BaselineSketch();
    for (int i = 0; i < 300_000; i++) {
      sketch.category(town, i % 3 == 0 ? "often" : "rare" + i);
    }

    Distribution.Categories towns =
        (Distribution.Categories) sketch.baseline().distributions().get(town);

    assertThat(towns.count()).isEqualTo(300_000);
    assertThat(towns.counts()).hasSizeLessThanOrEqualTo(100);
    assertThat((double) towns.counts().get("often")).isCloseTo(100_000, within(300.0));
  }

  @Test
  void aBaselineKeepsTheLaterOfTwoAndLosesWhatIsTaken() {
    Trait age = new Trait("age", Aspect.VALUE);
    Trait sure = new Trait("label", Aspect.CONFIDENCE);
    Distribution old = new Distribution.Numbers(1, List.of(1.0), List.of(1.0));
    Distribution young = new Distribution.Numbers(2, List.of(2.0), List.of(1.0));

    Baseline both = Baseline.EMPTY.with(age, old).with(sure, old).with(age, young);

    assertThat(both.distributions()).containsOnly(Map.entry(age, young), Map.entry(sure, old));
    assertThat(both.without(Aspect.CONFIDENCE).distributions()).containsOnlyKeys(age);
  }

  @Test
  void refusesDistributionsThatCannotBe() {
    assertThatThrownBy(() -> new Distribution.Numbers(2, List.of(2.0, 1.0), List.of(0.5, 1.0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cuts must be finite and ascend");
    assertThatThrownBy(() -> new Distribution.Numbers(2, List.of(1.0, 2.0), List.of(0.5, 0.9)))
        .hasMessageContaining("upTo must end with 1");
    assertThatThrownBy(() -> new Distribution.Numbers(3, List.of(), List.of()))
        .hasMessageContaining("none only without numbers");
    assertThatThrownBy(() -> new Distribution.Categories(Map.of("a", 0L), 0))
        .hasMessageContaining("every count at least 1");
    assertThatThrownBy(() -> new Distribution.Vectors(1, 2, 0, 1, List.of(0.0, 0.0)))
        .hasMessageContaining("bandwidth must be above 0");
    assertThatThrownBy(() -> new Distribution.Vectors(1, 2, 1, 1, List.of(0.0)))
        .hasMessageContaining("an even number of values in [-1, 1]");
    assertThatThrownBy(
            () ->
                Baseline.EMPTY.with(
                    new Trait("age", Aspect.PRESENCE),
                    new Distribution.Numbers(1, List.of(1.0), List.of(1.0))))
        .hasMessage("trait 'age, presence' cannot be Numbers");
  }

  private static Row row(@Nullable Double age, String town, String body, @Nullable Pixels scan) {
    Map<String, @Nullable Object> cells = new HashMap<>();
    cells.put("age", age);
    cells.put("town", town);
    cells.put("body", body);
    cells.put("scan", scan);
    return Row.of(cells);
  }

  private static Map<String, Long> words(
      Map<Trait, Distribution> seen, String column, Aspect aspect) {
    return ((Distribution.Categories) seen.get(new Trait(column, aspect))).counts();
  }

  private static Distribution.Numbers numbers(
      Map<Trait, Distribution> seen, String column, Aspect aspect) {
    return (Distribution.Numbers) seen.get(new Trait(column, aspect));
  }
}
