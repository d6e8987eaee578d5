package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Row;
import io.athanor.api.data.Rows;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.source.Csv;
import io.athanor.data.source.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitTest {
  @TempDir Path folder;

  @Test
  void dealsEveryRowToExactlyOnePartWithItsShareOfEveryLabel() {
    Split split = dataset(rows(1_000, i -> i % 10 == 0 ? "rare" : "common")).split(0.7, 0.2, 0.1);

    List<Rows> parts = List.of(split.trainRows(), split.validationRows(), split.test());
    assertThat(parts).extracting(Rows::size).containsExactly(700L, 200L, 100L);
    assertThat(parts).extracting(part -> labels(part).get("rare")).containsExactly(70, 20, 10);
    Set<Object> seen = new HashSet<>();
    parts.forEach(part -> ids(part).forEach(id -> assertThat(seen.add(id)).isTrue()));
    assertThat(seen).hasSize(1_000);
  }

  @Test
  void roundsSizesToWholeRows() {
    Split split = dataset(rows(151, i -> "abc".substring(i % 3, i % 3 + 1))).split(0.8, 0.1, 0.1);

    assertThat(split.trainRows().size()).isEqualTo(121);
    assertThat(split.validationRows().size()).isEqualTo(15);
    assertThat(split.test().size()).isEqualTo(15);
    assertThat(labels(split.test()).values()).containsExactlyInAnyOrder(5, 5, 5);
  }

  @Test
  void givesEveryPartAtLeastOneRowOfEveryLabel() {
    Split split = dataset(rows(100, i -> i < 3 ? "tiny" : "large")).split(0.8, 0.1, 0.1);

    assertThat(Stream.of(split.trainRows(), split.validationRows(), split.test()))
        .allSatisfy(part -> assertThat(labels(part).get("tiny")).isEqualTo(1));
  }

  @Test
  void refusesALabelWithTooFewRowsAndCountsThem() {
    Split split = dataset(rows(100, i -> i < 2 ? "tiny" : "large")).split(0.8, 0.1, 0.1);

    assertThatThrownBy(split::test)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "'tiny' has 2 row(s), and each of the 3 parts needs at least one; add rows");
    assertThatThrownBy(dataset(rows(2, i -> "a")).split(0.8, 0.1, 0.1).unstratified()::trainRows)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'every row' has 2 row(s)");
    assertThat(split.unstratified().test().size()).isEqualTo(10);
  }

  @Test
  void dealsEquallyForEqualSeedsOnly() {
    Dataset dataset = dataset(rows(60, i -> i % 2 == 0 ? "a" : "b"));

    assertThat(ids(dataset.split(0.8, 0.1, 0.1).seed(7).test()))
        .isEqualTo(ids(dataset.split(0.8, 0.1, 0.1).seed(7).test()))
        .isNotEqualTo(ids(dataset.split(0.8, 0.1, 0.1).seed(8).test()))
        .isSorted();
  }

  @Test
  void fitsTheEncodingOnTrainingRowsOnly() {
    List<Row> rows = rows(100, i -> i % 2 == 0 ? "a" : "b");
    Split split = mixed(rows).split(0.6, 0.2, 0.2).seed(3);
    Set<Double> heldOut = new HashSet<>(ids(split.test()));
    heldOut.addAll(ids(split.validationRows()));
    List<Row> poisoned =
        rows.stream().map(row -> heldOut.contains(id(row)) ? poison(row) : row).toList();
    List<Row> changed = new ArrayList<>(rows);
    int trained =
        IntStream.range(0, 100)
            .filter(i -> !heldOut.contains((double) i))
            .findFirst()
            .orElseThrow();
    changed.set(trained, poison(rows.get(trained)));

    assertThat(heldOut).hasSize(40);
    assertThat(mixed(poisoned).split(0.6, 0.2, 0.2).seed(3).encoding()).isEqualTo(split.encoding());
    assertThat(mixed(changed).split(0.6, 0.2, 0.2).seed(3).encoding())
        .isNotEqualTo(split.encoding());
  }

  @Test
  void refusesACategoryThatOnlyHeldOutRowsHaveUnlessIgnored() {
    List<Row> rows = rows(100, i -> i % 2 == 0 ? "a" : "b");
    Split plain = mixed(rows).split(0.6, 0.2, 0.2);
    double victim = ids(plain.validationRows()).get(0);
    List<Row> poisoned = rows.stream().map(row -> id(row) == victim ? poison(row) : row).toList();

    Split strict = mixed(poisoned).split(0.6, 0.2, 0.2);
    assertThatThrownBy(() -> drain(strict.validation().orElseThrow()))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("rows in memory, line " + (int) (victim + 1) + ", column 'kind': ")
        .hasMessageContaining("category 'never seen' was not in the training data");

    Split lenient = mixed(poisoned).ignoreUnknownCategories().split(0.6, 0.2, 0.2);
    assertThat(drain(lenient.validation().orElseThrow())).isEqualTo(20);
    assertThat(lenient.encoding().encoders())
        .contains(
            new Encoder.OneHot("kind", List.of("even", "odd"), Encoder.OneHot.Unknown.IGNORE));
  }

  @Test
  void usesAGivenTokenizerInsteadOfFittingOne() {
    WordTokenizer given = WordTokenizer.fit(List.of("words of another life"), 100, 1);

    assertThat(
            mixed(rows(20, i -> i % 2 == 0 ? "a" : "b"))
                .tokenizer(given)
                .split(1, 0, 0)
                .encoding()
                .tokenizer())
        .containsSame(given);
  }

  @Test
  void recordsWhereTheRowsCameFromAndWhatWasDone() throws IOException {
    Path file = Files.writeString(folder.resolve("t.csv"), "x,y\n" + "1,a\n2,b\n".repeat(10));
    DataProvenance provenance = labelled(file).split(0.8, 0.1, 0.1).seed(9).provenance();

    assertThat(provenance.source()).isEqualTo(file.toString());
    assertThat(provenance.fingerprint()).isEqualTo(io.athanor.api.common.Digest.ofFile(file));
    assertThat(provenance.rows()).isEqualTo(20);
    assertThat(provenance.seed()).isEqualTo(9);
    assertThat(provenance.splits())
        .containsOnly(Map.entry("train", 16L), Map.entry("validation", 2L), Map.entry("test", 2L));
    assertThat(provenance.steps())
        .extracting(DataProvenance.Step::name)
        .containsExactly("select", "split", "encode");
    assertThat(provenance.steps().get(0).detail()).isEqualTo("number x, category y");
    assertThat(provenance).isEqualTo(labelled(file).split(0.8, 0.1, 0.1).seed(9).provenance());
  }

  @Test
  void changesFingerprintsWithOneByte() throws IOException {
    Path one = Files.writeString(folder.resolve("1.csv"), "x,y\n" + "1,a\n2,b\n".repeat(10));
    Path two =
        Files.writeString(folder.resolve("2.csv"), "x,y\n" + "1,a\n2,b\n".repeat(9) + "1,a\n3,b\n");
    Path spaced = Files.writeString(folder.resolve("3.csv"), "x,y\n" + " 1,a\n2,b\n".repeat(10));

    assertThat(labelled(one).rows().fingerprint()).isNotEqualTo(labelled(two).rows().fingerprint());
    assertThat(labelled(one).rows().fingerprint()).isEqualTo(labelled(spaced).rows().fingerprint());
    DataProvenance first = labelled(one).split(1, 0, 0).provenance();
    DataProvenance second = labelled(two).split(1, 0, 0).provenance();
    assertThat(first.fingerprint()).isNotEqualTo(second.fingerprint());
    for (int step = 0; step < 3; step++) {
      assertThat(first.steps().get(step).fingerprint())
          .isNotEqualTo(second.steps().get(step).fingerprint());
    }
  }

  @Test
  void fingerprintsHeldOutRowsByTheirContentAlone() {
    List<Row> rows = rows(40, i -> i % 2 == 0 ? "a" : "b");
    Split split = dataset(rows).split(0.5, 0, 0.5);
    List<Row> test = IntStream.range(0, 20).mapToObj(i -> split.test().row(i)).toList();

    assertThat(split.test().fingerprint()).isEqualTo(dataset(test).rows().fingerprint());
  }

  @Test
  void refusesSharesThatAreNone() {
    Dataset dataset = dataset(rows(10, i -> "a"));

    assertThatThrownBy(() -> dataset.split(0.8, 0.1, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("their sum 1, got 0.8, 0.1, 0.2");
    assertThatThrownBy(() -> dataset.split(0, 0.5, 0.5))
        .hasMessageContaining("train must be above 0");
    assertThatThrownBy(() -> dataset.split(Double.NaN, 0, 1)).hasMessageContaining("NaN");
  }

  @Test
  void needsFeaturesAndSomethingToLearn() {
    Records records = Records.of(rows(10, i -> "a"));

    assertThatThrownBy(() -> Dataset.from(records).label("y").rows())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is no feature column; call number, category, text, image");
    assertThatThrownBy(() -> Dataset.from(records).number("id").split(1, 0, 0).encoding())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("there is nothing to learn; call label(...) or estimate(...)");
    assertThatThrownBy(() -> Dataset.from(records).number("id").label("id"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("column 'id' is declared twice");
  }

  private static Dataset dataset(List<Row> rows) {
    return Dataset.from(Records.of(rows)).number("id").label("y");
  }

  private static Dataset mixed(List<Row> rows) {
    return dataset(rows).text("text").category("kind").number("x");
  }

  private static Dataset labelled(Path file) {
    return Dataset.from(Csv.of(file)).number("x").label("y");
  }

  private static List<Row> rows(int count, java.util.function.IntFunction<String> label) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                Row.of(
                    Map.of(
                        "id",
                        i,
                        "x",
                        Math.sin(i),
                        "kind",
                        i % 2 == 0 ? "even" : "odd",
                        "text",
                        "word" + i % 5 + " and more words",
                        "y",
                        label.apply(i))))
        .toList();
  }

  private static Row poison(Row row) {
    Map<String, Object> cells = new HashMap<>();
    row.columns().forEach(column -> cells.put(column, row.cell(column)));
    cells.putAll(Map.of("x", 1e6, "kind", "never seen", "text", "poison poison poison"));
    return Row.of(cells);
  }

  private static double id(Row row) {
    return (Double) row.cell("id");
  }

  private static List<Double> ids(Rows rows) {
    List<Double> ids = new ArrayList<>();
    for (long i = 0; i < rows.size(); i++) {
      ids.add(id(rows.row(i)));
    }
    return ids;
  }

  private static Map<Object, Integer> labels(Rows rows) {
    Map<Object, Integer> counts = new HashMap<>();
    for (long i = 0; i < rows.size(); i++) {
      counts.merge(rows.row(i).cell("y"), 1, Integer::sum);
    }
    return counts;
  }

  private static int drain(Batches batches) {
    int rows = 0;
    try (Batches.Stream stream = batches.open(BatchOrder.sequential(8))) {
      while (stream.hasNext()) {
        rows += stream.next().rows();
      }
    }
    return rows;
  }
}
