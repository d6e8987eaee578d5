package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.source.Records;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReusedEncodingTest {
  /** Sizes 0 to 19, two colours, two classes. */
  private static final Split OLD = split(rows(20, 0, "red", "green", "no", "yes"));

  private static List<Row> rows(
      int count, int first, String even, String odd, String evenLabel, String oddLabel) {
    return IntStream.range(first, first + count)
        .mapToObj(
            i ->
                Row.of(
                    Map.of(
                        "size",
                        i,
                        "colour",
                        i % 2 == 0 ? even : odd,
                        "text",
                        "word" + i + " word",
                        "class",
                        i % 2 == 0 ? evenLabel : oddLabel)))
        .toList();
  }

  private static Dataset dataset(List<Row> rows) {
    return Dataset.from(Records.of(rows))
        .number("size")
        .category("colour")
        .text("text")
        .label("class");
  }

  private static Split split(List<Row> rows) {
    return dataset(rows).split(0.8, 0.2, 0).seed(1);
  }

  private static DataProvenance.Step encoding(Split split) {
    return split.provenance().steps().get(2);
  }

  @Test
  void encodesNewRowsAsTheOldOnesWere() {
    Split fitted = split(rows(20, 500, "red", "red", "yes", "no"));
    Split reused = fitted.encodedBy(OLD.encoding());

    assertThat(fitted.encoding()).isNotEqualTo(OLD.encoding());
    assertThat(reused.encoding()).isSameAs(OLD.encoding());
    Row row = reused.trainRows().row(0);
    Batches.Stream batches = reused.train().open(BatchOrder.sequential(1));
    try (batches) {
      assertThat(batches.next().tensors())
          .isEqualTo(OLD.encoding().collate(List.of(OLD.encoding().encode(row, "row", 0))));
    }
  }

  @Test
  void keepsTheEncodingWhateverIsSetAfterIt() {
    Split reused =
        split(rows(20, 500, "red", "red", "yes", "no"))
            .encodedBy(OLD.encoding())
            .seed(5)
            .unstratified()
            .cacheBytes(1);

    assertThat(reused.encoding()).isSameAs(OLD.encoding());
  }

  @Test
  void recordsThatTheEncodingIsNotItsOwn() {
    Split reused = split(rows(20, 500, "red", "red", "yes", "no")).encodedBy(OLD.encoding());

    assertThat(encoding(OLD).detail()).isEqualTo("fitted on train");
    assertThat(encoding(reused).name()).isEqualTo("encode");
    assertThat(encoding(reused).detail()).isEqualTo("reused " + encoding(OLD).fingerprint());
    assertThat(encoding(reused).fingerprint()).isEqualTo(encoding(OLD).fingerprint());
  }

  @Test
  void takesRowsOfOneClassOnly() {
    Split reused = split(rows(20, 0, "red", "green", "yes", "yes")).encodedBy(OLD.encoding());

    assertThat(reused.encoding().signature()).isEqualTo(OLD.encoding().signature());
  }

  @Test
  void listsEveryColumnThatDiffers() {
    FeatureEncoding encoding = OLD.encoding();
    Split other =
        Dataset.from(Records.of(rows(20, 0, "red", "green", "no", "yes")))
            .category("text", "class")
            .text("colour")
            .estimate("size")
            .split(1, 0, 0)
            .encodedBy(encoding);

    assertThatThrownBy(other::encoding)
        .isInstanceOfSatisfying(
            ValidationException.class,
            e ->
                assertThat(e.problems())
                    .containsExactly(
                        "the encoding reads the number column 'size', which the dataset lacks",
                        "the encoding reads the category column 'colour', the dataset has a text"
                            + " there",
                        "the encoding reads the text column 'text', the dataset has a category"
                            + " there",
                        "the encoding does not read the category column 'class'; leave it out",
                        "the encoding's target is the category column 'class', the dataset's is"
                            + " the number column 'size'"));
  }

  @Test
  void countsTheRowsOfEveryUnknownLabel() {
    List<Row> rows = new ArrayList<>(rows(20, 0, "red", "green", "no", "perhaps"));
    rows.addAll(rows(4, 0, "red", "green", "never", "never"));
    Split other = split(rows).encodedBy(OLD.encoding());

    assertThatThrownBy(other::train)
        .isInstanceOfSatisfying(
            ValidationException.class,
            e ->
                assertThat(e.problems())
                    .containsExactly(
                        "column 'class' has the label 'never' in 4 of 24 rows, and the encoding"
                            + " knows only [no, yes]; correct these rows, leave them out, or train"
                            + " a new model",
                        "column 'class' has the label 'perhaps' in 10 of 24 rows, and the encoding"
                            + " knows only [no, yes]; correct these rows, leave them out, or train"
                            + " a new model"));
  }

  @Test
  void refusesANewCategoryAsTheModelWould() {
    Split other = split(rows(20, 0, "red", "pink", "no", "yes")).encodedBy(OLD.encoding());

    assertThatThrownBy(
            () -> {
              try (Batches.Stream batches = other.train().open(BatchOrder.sequential(20))) {
                batches.next();
              }
            })
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("category 'pink' was not in the training data");
  }
}
