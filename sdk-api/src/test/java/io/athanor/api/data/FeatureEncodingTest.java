package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder.OneHot.Unknown;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeatureEncodingTest {
  private static final Encoder SIZE = new Encoder.Standardize("size", 10, 2);
  private static final Encoder COLOUR =
      new Encoder.OneHot("colour", List.of("red", "green", "blue"), Unknown.REFUSE);
  private static final Encoder SHAPE =
      new Encoder.OneHot("shape", List.of("round", "square"), Unknown.IGNORE);
  private static final Encoder TITLE = new Encoder.Text("title", 2);
  private static final Encoder BODY = new Encoder.Text("body", 4);
  private static final Encoder SCAN = new Encoder.Image("scan", 3, 1, 2, 0.5, 0.25);
  private static final TargetEncoder LABEL =
      new TargetEncoder.Label("class", List.of("no", "yes", "maybe"));

  /** Knows a as 2, b as 3, c as 4. */
  private static final WordTokenizer TOKENIZER = WordTokenizer.fit(List.of("a b c"), 5, 1);

  private static FeatureEncoding of(Encoder... encoders) {
    boolean text = Stream.of(encoders).anyMatch(e -> e instanceof Encoder.Text);
    return new FeatureEncoding(
        List.of(encoders), LABEL, text ? Optional.of(TOKENIZER) : Optional.empty());
  }

  private static Map<String, Tensor> tensors(FeatureEncoding encoding, Row... rows) {
    return encoding.collate(
        Stream.of(rows).map(row -> encoding.encode(row, "rows.csv", 7)).toList());
  }

  private static float[] floats(Map<String, Tensor> tensors, String name, long... shape) {
    Tensor tensor = Objects.requireNonNull(tensors.get(name), name);
    assertThat(tensor.shape()).containsExactly(shape);
    FloatBuffer buffer = tensor.floatBuffer();
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  private static long[] longs(Map<String, Tensor> tensors, String name, long... shape) {
    Tensor tensor = Objects.requireNonNull(tensors.get(name), name);
    assertThat(tensor.shape()).containsExactly(shape);
    LongBuffer buffer = tensor.longBuffer();
    long[] values = new long[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Test
  void putsNumbersAndCategoriesSideBySideInTheOrderOfTheEncoders() {
    Map<String, Tensor> tensors =
        tensors(
            of(COLOUR, SIZE, SHAPE),
            Row.of(Map.of("size", 14, "colour", "green", "shape", "square")),
            Row.of(Map.of("size", 9, "colour", "red", "shape", "round")));

    assertThat(floats(tensors, FeatureEncoding.VECTOR, 2, 6))
        .containsExactly(0, 1, 0, 2, 0, 1, 1, 0, 0, -0.5f, 1, 0);
  }

  @Test
  void missingNumbersAreTheMeanAndMissingCategoriesNone() {
    Map<String, Tensor> tensors = tensors(of(SIZE, COLOUR), Row.of(Map.of()));

    assertThat(floats(tensors, FeatureEncoding.VECTOR, 1, 4)).containsExactly(0, 0, 0, 0);
  }

  @Test
  void refusesANumberTooLargeForSinglePrecision() {
    assertThatThrownBy(() -> of(SIZE).encode(Row.of("size", 1e60), "rows.csv", 3))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "rows.csv, line 3, column 'size': expected a number near those of the training data,"
                + " got '1.0E60'");
  }

  @Test
  void unknownCategoriesAreRefusedOrTreatedAsMissing() {
    assertThat(floats(tensors(of(SHAPE), Row.of("shape", "oval")), FeatureEncoding.VECTOR, 1, 2))
        .containsExactly(0, 0);
    assertThatThrownBy(() -> of(COLOUR).encode(Row.of("colour", "pink"), "rows.csv", 7))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "rows.csv, line 7, column 'colour': category 'pink' was not in the training data, which"
                + " has [red, green, blue]. Correct it, leave the cell empty, or let the dataset"
                + " ignore unknown categories");
  }

  @Test
  void padsEachTextColumnToItsLongestRowAndMasksThePadding() {
    Map<String, Tensor> tensors =
        tensors(
            of(TITLE, BODY),
            Row.of(Map.of("title", "a b c", "body", "c")),
            Row.of(Map.of("title", "x", "body", "c b a")),
            Row.of(Map.of("title", "b")));

    assertThat(longs(tensors, "title", 3, 2)).containsExactly(2, 3, 1, 0, 3, 0);
    assertThat(floats(tensors, "title.mask", 3, 2)).containsExactly(1, 1, 1, 0, 1, 0);
    assertThat(longs(tensors, "body", 3, 3)).containsExactly(4, 0, 0, 4, 3, 2, 1, 0, 0);
    assertThat(floats(tensors, "body.mask", 3, 3)).containsExactly(1, 0, 0, 1, 1, 1, 1, 0, 0);
    assertThat(tensors).containsOnlyKeys("title", "title.mask", "body", "body.mask");
  }

  @Test
  void knowsTheLengthOfTheLongestTextOfARow() {
    EncodedRow row =
        of(TITLE, BODY).encode(Row.of(Map.of("title", "a", "body", "a b c")), "rows.csv", 7);

    assertThat(row.length()).isEqualTo(3);
    assertThat(of(SIZE).encode(Row.of("size", 1), "rows.csv", 7).length()).isZero();
  }

  @Test
  void standardisesPicturesWithTheirChannelsFirst() {
    Pixels pixels = Pixels.of(2, 1, 3, new byte[] {0, 51, (byte) 255, (byte) 204, 102, 0});

    assertThat(floats(tensors(of(SCAN), Row.of("scan", pixels)), "scan", 1, 3, 1, 2))
        .usingComparatorWithPrecision(1e-6f)
        .containsExactly(-2, 1.2f, -1.2f, -0.4f, 2, -2);
  }

  @Test
  void refusesAPictureOfAnotherSizeOrNone() {
    assertThatThrownBy(
            () -> of(SCAN).encode(Row.of("scan", Pixels.of(1, 1, 1, new byte[1])), "a.png", 0))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "a.png, column 'scan': expected a picture of 2 x 1 x 3 pixels, got 1 x 1 x 1 pixels");
    assertThatThrownBy(() -> of(SCAN).encode(Row.of(Map.of()), "a.png", 0))
        .isInstanceOf(FormatException.class)
        .hasMessage("a.png, column 'scan': expected a picture, got nothing");
  }

  @ParameterizedTest
  @CsvSource({
    "size, three, 'expected a finite number, got ''three'''",
    "size, NaN, 'expected a finite number, got ''NaN'''",
    "colour, 3, 'expected text, got ''3.0'''",
    "title, 3, 'expected text, got ''3.0'''",
    "scan, cat, 'expected a picture, got ''cat'''",
    "class, 3, 'expected text, got ''3.0'''"
  })
  void refusesACellOfAnotherTypeAndNamesItsPlace(String column, String cell, String problem) {
    Map<String, Object> cells =
        new HashMap<>(Map.of("scan", Pixels.of(2, 1, 3, new byte[6]), "class", "no"));
    Object wrong = cell;
    if (cell.equals("3") || cell.equals("NaN")) {
      wrong = Double.valueOf(cell);
    }
    cells.put(column, wrong);

    assertThatThrownBy(() -> of(SIZE, COLOUR, TITLE, SCAN).encode(Row.of(cells), "rows.csv", 7))
        .isInstanceOfSatisfying(
            FormatException.class,
            e -> {
              assertThat(e.source()).isEqualTo("rows.csv");
              assertThat(e.line()).isEqualTo(7);
              assertThat(e.column()).isEqualTo(column);
            })
        .hasMessage("rows.csv, line 7, column '" + column + "': " + problem);
  }

  @Test
  void labelsBecomeTheirIndex() {
    Map<String, Tensor> tensors =
        tensors(
            of(SIZE), Row.of(Map.of("class", "maybe")), Row.of(Map.of("size", 1, "class", "no")));

    assertThat(longs(tensors, Signature.TARGET, 2)).containsExactly(2, 0);
  }

  @Test
  void refusesAnUnknownLabel() {
    assertThatThrownBy(() -> of(SIZE).encode(Row.of("class", "perhaps"), "rows.csv", 7))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "rows.csv, line 7, column 'class': label 'perhaps' is not one of [no, yes, maybe]");
  }

  @Test
  void quantitiesAreStandardised() {
    FeatureEncoding encoding =
        new FeatureEncoding(
            List.of(SIZE), new TargetEncoder.Quantity("price", 100, 20), Optional.empty());

    Map<String, Tensor> tensors =
        tensors(encoding, Row.of(Map.of("price", 130)), Row.of(Map.of("price", 90)));

    assertThat(floats(tensors, Signature.TARGET, 2, 1)).containsExactly(1.5f, -0.5f);
    assertThat(encoding.signature().task()).isEqualTo(new Task.Regression("price"));
  }

  @Test
  void aBatchHasTargetsOnlyIfEveryRowHasOne() {
    FeatureEncoding encoding = of(SIZE);
    Row without = Row.of("size", 1);

    assertThat(tensors(encoding, Row.of(Map.of("size", 1, "class", "no")), without))
        .containsOnlyKeys(FeatureEncoding.VECTOR);
    assertThat(encoding.encode(without, "rows.csv", 7).target()).isNaN();
    assertThatThrownBy(() -> encoding.collate(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rows must not be empty");
  }

  @Test
  void saysWhatAnArchitectureMustFitAndWhatItReads() {
    FeatureEncoding encoding = of(TITLE, COLOUR, SCAN, SIZE);

    assertThat(encoding.signature())
        .isEqualTo(
            new Signature(
                List.of(
                    new Feature.Vector(FeatureEncoding.VECTOR, 4),
                    new Feature.Tokens("title", 5, 2),
                    new Feature.Image("scan", 3, 1, 2)),
                new Task.Classification("class", List.of("no", "yes", "maybe"))));
    assertThat(encoding.schema())
        .isEqualTo(
            new Schema(
                List.of(
                    new Column("title", ColumnType.TEXT),
                    new Column("colour", ColumnType.CATEGORY),
                    new Column("scan", ColumnType.IMAGE),
                    new Column("size", ColumnType.NUMBER)),
                Optional.of(new Column("class", ColumnType.CATEGORY))));
  }

  @Test
  void findsAmongManyCategoriesTheFirstOfItsName() {
    List<String> words =
        Stream.concat(Stream.iterate(0, i -> i + 1).limit(5000).map(i -> "w" + i), Stream.of("w7"))
            .toList();
    FeatureEncoding encoding = of(new Encoder.OneHot("word", words, Unknown.REFUSE));

    float[] vector =
        floats(tensors(encoding, Row.of("word", "w7")), FeatureEncoding.VECTOR, 1, 5001);

    assertThat(vector[7]).isEqualTo(1);
    assertThat(vector[5000]).isZero();
  }

  @Test
  void listsAllPartsThatDoNotFitTogether() {
    assertThatThrownBy(
            () ->
                new FeatureEncoding(
                    List.of(SIZE, TITLE, SIZE, new Encoder.Text("features", 3)),
                    new TargetEncoder.Label("title", List.of("a")),
                    Optional.empty()))
        .isInstanceOfSatisfying(
            ValidationException.class,
            e ->
                assertThat(e.problems())
                    .containsExactly(
                        "a tokenizer is needed for text columns, and only for them",
                        "column 'title' has 1 label(s) [a], and a classifier needs at least two",
                        "column 'title' is read twice",
                        "column 'size' is read twice",
                        "column 'features' has the name of an input that the graph has for other"
                            + " columns; rename it"));
    assertThatThrownBy(FeatureEncodingTest::of)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no feature column");
  }

  @Test
  void isEqualWhenAllItsPartsAre() {
    assertThat(of(SIZE, BODY)).isEqualTo(of(SIZE, BODY)).hasSameHashCodeAs(of(SIZE, BODY));
    assertThat(of(SIZE, BODY)).isNotEqualTo(of(SIZE)).isNotEqualTo(of(BODY, SIZE));
    assertThat(of(BODY))
        .isNotEqualTo(
            new FeatureEncoding(
                List.of(BODY), LABEL, Optional.of(WordTokenizer.fit(List.of("d"), 5, 1))));
  }
}
