package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.data.Distribution;
import io.athanor.api.data.Row;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import io.athanor.api.data.Traits;
import io.athanor.data.source.Records;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SplitBaselineTest {
  @Test
  void saysWhatTheTrainingRowsAreLike() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      Map<String, @Nullable Object> cells = new HashMap<>();
      cells.put("age", i % 10 == 0 ? null : i % 100);
      cells.put("town", i % 4 == 0 ? "Bonn" : "Kiel");
      cells.put("body", i % 2 == 0 ? "hello world" : "hello there you");
      cells.put("label", i % 2 == 0 ? "a" : "b");
      rows.add(Row.of(cells));
    }
    Split split =
        Dataset.from(Records.of(rows))
            .number("age")
            .category("town")
            .text("body")
            .label("label")
            .split(0.8, 0.1, 0.1);

    Map<Trait, Distribution> seen = split.baseline().orElseThrow().distributions();

    assertThat(seen.keySet())
        .containsExactlyInAnyOrderElementsOf(Traits.of(split.encoding()).all());
    assertThat(seen.get(new Trait("town", Aspect.VALUE)).count()).isEqualTo(800);
    Distribution.Categories present =
        (Distribution.Categories) seen.get(new Trait("age", Aspect.PRESENCE));
    assertThat(present.counts().get("missing") / 800.0).isCloseTo(0.1, within(0.03));
    Distribution.Numbers ages = (Distribution.Numbers) seen.get(new Trait("age", Aspect.VALUE));
    assertThat(ages.cuts()).hasSize(50).endsWith(99.0);
    assertThat(ages.count()).isEqualTo(800 - present.counts().get("missing"));
    assertThat(split.baseline()).contains(split.baseline().orElseThrow());
  }

  @Test
  void looksAtNoMoreThanAHundredThousandRows() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 250_000; i++) {
      rows.add(Row.of(Map.of("age", i, "sum", i % 7)));
    }
    Split split = Dataset.from(Records.of(rows)).number("age").estimate("sum").split(0.8, 0.1, 0.1);

    Distribution.Numbers ages =
        (Distribution.Numbers)
            split.baseline().orElseThrow().distributions().get(new Trait("age", Aspect.VALUE));

    assertThat(ages.count()).isEqualTo(100_000);
    assertThat(ages.cuts().get(24)).isCloseTo(125_000, within(5_000.0));
  }

  @Test
  void promptsHaveABaselineAndDocumentsHaveNone() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      rows.add(Row.of(Map.of("prompt", "say a" + i, "completion", "a")));
    }
    TextSplit prompts =
        TextDataset.completions(Records.of(rows), "prompt", "completion")
            .tokenizer(CharTokenizer.plain())
            .contextLength(32)
            .withoutEndToken()
            .split(0.8, 0.1, 0.1);
    TextSplit documents =
        TextDataset.documents(Records.of(rows), "prompt")
            .tokenizer(CharTokenizer.plain())
            .contextLength(32)
            .withoutEndToken()
            .split(0.8, 0.1, 0.1);

    Distribution lengths =
        prompts.baseline().orElseThrow().distributions().get(new Trait(Traits.TEXT, Aspect.LENGTH));
    assertThat(lengths.count()).isEqualTo(16);
    assertThat(((Distribution.Numbers) lengths).cuts()).containsExactly(6.0, 7.0);
    assertThat(documents.baseline()).isEmpty();
  }
}
