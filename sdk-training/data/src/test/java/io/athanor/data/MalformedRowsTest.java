package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.quality.QuarantineReport;
import io.athanor.data.source.Csv;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MalformedRowsTest {
  private static final String MIXED =
      """
      x,y
      1,a
      two,b
      3,
      4,d,extra
      5,e
      """;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "NaN|expected a finite number, got 'NaN'. Leave the cell empty if the value is missing",
        "inf|expected a finite number, got 'inf'",
        "-Infinity|expected a finite number, got '-Infinity'",
        "1e999|expected a finite number, got '1e999'",
        "0x1p3|expected a finite number, got '0x1p3'",
        "1d|expected a finite number, got '1d'",
        "\"3,5\"|expected a finite number, got '3,5'. Write decimals with a point",
        "abc|expected a finite number, got 'abc'"
      })
  void refusesWhatIsNoFiniteNumberWithFileLineAndColumn(String cell, String problem)
      throws IOException {
    Path file = file("x,y\n1,a\n" + cell + ",b\n");

    assertThatThrownBy(() -> labelled(file).rows())
        .isInstanceOfSatisfying(
            FormatException.class,
            e -> {
              assertThat(e.line()).isEqualTo(3);
              assertThat(e.column()).isEqualTo("x");
              assertThat(e.source()).isEqualTo(file.toString());
              assertThat(e).hasMessageStartingWith(file + ", line 3, column 'x': " + problem);
            });
  }

  @Test
  void readsNumbersAsPeopleWriteThem() throws IOException {
    Path file = file("x,y\n +1.5e-3 ,a\n-.5,a\n7.,b\n,b\n");

    var rows = labelled(file).rows();

    assertThat(rows.row(0)).isEqualTo(Row.of(Map.of("x", 0.0015, "y", "a")));
    assertThat(rows.row(1).cell("x")).isEqualTo(-0.5);
    assertThat(rows.row(2).cell("x")).isEqualTo(7.0);
    assertThat(rows.row(3).cell("x")).isNull();
  }

  @Test
  void refusesARowWithoutItsLabel() throws IOException {
    Path file = file("x,y\n1,a\n2,\n");

    assertThatThrownBy(() -> labelled(file).rows())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ", line 3, column 'y': the row has no value to learn");
  }

  @Test
  void refusesAFileWithAHeaderOnly() throws IOException {
    Path file = file("x,y\n");

    assertThatThrownBy(() -> labelled(file).rows())
        .isInstanceOf(FormatException.class)
        .hasMessage(file + ": has no rows; expected at least one record of data");
  }

  @Test
  void refusesALabelColumnThatIsNotThere() throws IOException {
    Path file = file("x,y\n1,a\n");

    assertThatThrownBy(() -> Dataset.from(Csv.of(file)).number("x").label("spam").rows())
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No column 'spam' in " + file + "; there is x, y");
  }

  @Test
  void refusesOneClassOnly() throws IOException {
    Path file = file("x,y\n" + "1,a\n".repeat(10));

    assertThatThrownBy(() -> labelled(file).split(0.8, 0.1, 0.1).encoding())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("column 'y' has 1 label(s) [a], and a classifier needs at least two");
  }

  @Test
  void refusesAColumnThatIsEmptyInEveryTrainingRow() throws IOException {
    Path file = file("x,k,y\n,,a\n,,b\n");

    assertThatThrownBy(
            () ->
                Dataset.from(Csv.of(file))
                    .number("x")
                    .category("k")
                    .label("y")
                    .split(1, 0, 0)
                    .encoding())
        .isInstanceOfSatisfying(
            ValidationException.class,
            e ->
                assertThat(e.problems())
                    .containsExactly(
                        "column 'x' is empty in every training row; leave it out or fill it",
                        "column 'k' is empty in every training row; leave it out or fill it"));
  }

  @Test
  void setsMalformedRowsAsideAndReports() throws IOException {
    Path file = file(MIXED);
    Path quarantine = folder.resolve("bad/rows.jsonl");

    Dataset tolerant = labelled(file).tolerant(quarantine, 0.6);

    assertThat(tolerant.rows().size()).isEqualTo(2);
    assertThat(tolerant.rows().row(1)).isEqualTo(Row.of(Map.of("x", 5.0, "y", "e")));
    QuarantineReport report = tolerant.quarantine().orElseThrow();
    assertThat(report.rows()).isEqualTo(5);
    assertThat(report.quarantined()).isEqualTo(3);
    assertThat(report.toString())
        .startsWith("3 of 5 rows are malformed and were written to " + quarantine)
        .contains("line 3, column 'x': expected a finite number, got 'two'");
    assertThat(tolerant.profile().quarantined()).isEqualTo(3);
    List<String> lines = Files.readAllLines(quarantine);
    assertThat(lines).hasSize(3);
    JsonNode first = new ObjectMapper().readTree(lines.get(0));
    assertThat(first.get("source").asText()).isEqualTo(file.toString());
    assertThat(first.get("line").asInt()).isEqualTo(3);
    assertThat(first.get("column").asText()).isEqualTo("x");
    assertThat(first.get("problem").asText()).contains("got 'two'");
    assertThat(first.get("record").asText()).isEqualTo("two,b");
    assertThat(new ObjectMapper().readTree(lines.get(2)).get("column").isNull()).isTrue();
    assertThat(tolerant.split(1, 0, 0).provenance().steps())
        .extracting(DataProvenance.Step::name, DataProvenance.Step::detail)
        .contains(org.assertj.core.groups.Tuple.tuple("quarantine", "3 of 5 rows set aside"));
  }

  @Test
  void refusesMoreMalformedRowsThanToleratedButKeepsThemToLookAt() throws IOException {
    Path quarantine = folder.resolve("rows.jsonl");

    assertThatThrownBy(() -> labelled(file(MIXED)).tolerant(quarantine, 0.5).rows())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("more than the share of 0.5 that is tolerated is malformed")
        .hasMessageContaining("3 of 5 rows");
    assertThat(quarantine).exists();
  }

  @Test
  void stopsEarlyWhereNearlyEverythingIsMalformed() throws IOException {
    Path quarantine = folder.resolve("rows.jsonl");
    Path file = file("x,y\n" + "bad,a\n".repeat(50_000));

    assertThatThrownBy(() -> labelled(file).tolerant(quarantine).rows())
        .hasMessageContaining("10000 of 10000 rows are malformed");
  }

  @Test
  void writesAnEmptyQuarantineWhereNothingIsMalformed() throws IOException {
    Path quarantine = folder.resolve("rows.jsonl");

    assertThat(labelled(file("x,y\n1,a\n")).tolerant(quarantine).rows().size()).isEqualTo(1);

    assertThat(quarantine).isEmptyFile();
  }

  @Test
  void saysWhyTheQuarantineCannotBeWritten() throws IOException {
    Path file = file("x,y\n1,a\n");
    Path blocked = Files.writeString(folder.resolve("blocked"), "a file, no folder");

    assertThatThrownBy(() -> labelled(file).tolerant(blocked.resolve("rows.jsonl")).rows())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
  }

  @Test
  void checksTheShareOfMalformedRowsAtOnce() {
    Dataset dataset = Dataset.from(Csv.of(folder.resolve("a.csv")));

    assertThatThrownBy(() -> dataset.tolerant(folder.resolve("b"), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("most must be above 0 and at most 1, got 0.0");
  }

  @Test
  void noticesThatTheFileHasChanged() throws IOException {
    Path file = file("x,y\n1,a\n2,b\n");
    var rows = labelled(file).rows();
    Files.writeString(file, "x,y\n1,a\n2,b\n3,c\n");

    assertThatThrownBy(() -> rows.row(0))
        .isInstanceOf(StorageException.class)
        .hasMessage(file + ": has changed since this dataset read it first. Make a new dataset");
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("table.csv"), text);
  }

  private static Dataset labelled(Path file) {
    return Dataset.from(Csv.of(file)).number("x").label("y");
  }
}
