package io.athanor.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvTest {
  @TempDir Path folder;

  @Test
  void readsQuotedSeparatorsQuotesAndLineBreaksWithTheirLines() throws IOException {
    Path file = file("a,b\r\n\"x, \"\"y\"\"\",\"two\r\nlines\"\r\n\r\n3,5\" pipe\r\nlast,");

    List<SourceRecord> records = read(Csv.of(file));

    assertThat(records)
        .extracting(SourceRecord::cells)
        .containsExactly(
            Map.of("a", "x, \"y\"", "b", "two\r\nlines"),
            Map.of("a", "3", "b", "5\" pipe"),
            Map.of("a", "last"));
    assertThat(records).extracting(SourceRecord::line).containsExactly(2L, 5L, 6L);
    assertThat(records).extracting(SourceRecord::problem).containsOnlyNulls();
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r\n", "\r"})
  void acceptsEveryLineBreakAndAByteOrderMark(String lineBreak) throws IOException {
    Path file = file("\uFEFFa,b" + lineBreak + "1,2" + lineBreak + "3,4" + lineBreak);

    assertThat(read(Csv.of(file)))
        .extracting(SourceRecord::cells)
        .containsExactly(Map.of("a", "1", "b", "2"), Map.of("a", "3", "b", "4"));
  }

  @Test
  void findsEveryRecordAgainByItsPosition() throws IOException {
    StringBuilder text = new StringBuilder("n,text\n");
    for (int i = 0; i < 5_000; i++) {
      text.append(i).append(",\"line one\nof ").append(i).append("\"\n");
    }
    Csv csv = Csv.of(file(text.toString()));
    List<SourceRecord> records = read(csv);

    try (RecordReader reader = csv.open()) {
      for (int i = records.size() - 1; i >= 0; i -= 7) {
        reader.seek(records.get(i).position());
        assertThat(Objects.requireNonNull(reader.next()).cells()).isEqualTo(records.get(i).cells());
      }
    }
    assertThat(records).hasSize(5_000);
    assertThat(records.get(4_999).cells()).containsEntry("text", "line one\nof 4999");
  }

  @Test
  void fingerprintsTheBytesOfTheFileAlsoWhenItGoesBack() throws IOException {
    Path file = file("a,b\n1,2\n\"never closed\n" + "3,4\n".repeat(20_000));

    try (RecordReader reader = Csv.of(file).open()) {
      while (reader.next() != null) {
        // to the end
      }
      assertThat(reader.fingerprint()).isEqualTo(Digest.ofFile(file));
    }
  }

  @Test
  void unpacksGzipAndFingerprintsWhatIsInside() throws IOException {
    String text = "a\n1\n2\n";
    Path file = gzip(text);

    assertThat(read(Csv.of(file))).hasSize(2);
    try (RecordReader reader = Csv.of(file).open()) {
      reader.next();
      reader.next();
      assertThat(reader.next()).isNull();
      assertThat(reader.fingerprint()).isEqualTo(Digest.ofText(text));
    }
  }

  @Test
  void refusesAGzipFileThatUnpacksBeyondItsMemory() throws IOException {
    Path bomb = gzip("a\n" + "0\n".repeat(1_000_000));

    assertThatThrownBy(() -> new TextContent(bomb, 100_000).open())
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("holds more than 100000 bytes")
        .hasMessageContaining("Unpack it into a plain file");
  }

  @Test
  void refusesAGzipFileThatIsBrokenOrCutOff() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.csv.gz"), "a,b\n1,2\n");
    assertThatThrownBy(() -> Csv.of(broken).open())
        .isInstanceOf(FormatException.class)
        .hasMessage(broken + ": is not a whole gzip file (Not in GZIP format). Pack it again");

    byte[] whole = Files.readAllBytes(gzip("a\n" + "0\n".repeat(1_000)));
    Path cut = Files.write(folder.resolve("cut.csv.gz"), Arrays.copyOf(whole, whole.length - 12));
    assertThatThrownBy(() -> Csv.of(cut).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("Unexpected end of ZLIB input stream");
  }

  @Test
  void refusesAnEmptyFile() throws IOException {
    Path file = file("");

    assertThatThrownBy(() -> Csv.of(file).open())
        .isInstanceOf(FormatException.class)
        .hasMessage(
            file + ": is empty; expected a header record that names the columns, then data");
  }

  @Test
  void saysWhichSeparatorWouldFit() throws IOException {
    Path file = file("body;label\nhi;ham\n");

    assertThatThrownBy(() -> Csv.of(file).open())
        .isInstanceOf(FormatException.class)
        .hasMessage(
            file
                + ", line 1: the header has one column, 'body;label'; expected ',' between columns."
                + " The file looks separated by ';': use separator(';')");
    assertThat(read(Csv.of(file).separator(';')))
        .extracting(SourceRecord::cells)
        .containsExactly(Map.of("body", "hi", "label", "ham"));
  }

  @Test
  void refusesTwoColumnsOfOneNameAndColumnsWithout() throws IOException {
    Path twice = file("a,b,a\n1,2,3\n");
    assertThatThrownBy(() -> Csv.of(twice).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("line 1: two columns are called 'a'");

    Path nameless = file("a,,c\n1,2,3\n");
    assertThatThrownBy(() -> Csv.of(nameless).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("line 1: column 2 has no name");
  }

  @Test
  void takesColumnNamesFromTheCallerWhereTheFileHasNone() throws IOException {
    assertThat(read(Csv.of(file("1,2\n")).header("a", "b")))
        .extracting(SourceRecord::cells)
        .containsExactly(Map.of("a", "1", "b", "2"));
  }

  @Test
  void treatsGivenContentsAsMissing() throws IOException {
    assertThat(read(Csv.of(file("a,b,c\nNA,?,x\n")).missing("NA", "?")).get(0).cells())
        .isEqualTo(Map.of("c", "x"));
  }

  @Test
  void marksRaggedRowsAndGoesOn() throws IOException {
    List<SourceRecord> records = read(Csv.of(file("a,b\n1\n1,2,3\n4,5\n")));

    assertThat(problems(records))
        .containsExactly(
            "line 2: expected 2 cells as in the header, got 1. Quote a cell that holds the separator",
            "line 3: expected 2 cells as in the header, got 3. Quote a cell that holds the separator");
    assertThat(records.get(2).cells()).isEqualTo(Map.of("a", "4", "b", "5"));
  }

  @Test
  void marksBytesThatAreNotUtf8AndGoesOn() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes("a\ncaf".getBytes(StandardCharsets.UTF_8));
    bytes.write(0xE9); // Latin-1
    bytes.writeBytes("\ncafé\n".getBytes(StandardCharsets.UTF_8));
    Path file = Files.write(folder.resolve("latin.csv"), bytes.toByteArray());

    List<SourceRecord> records = read(Csv.of(file));

    assertThat(problems(records))
        .singleElement()
        .asString()
        .startsWith("line 2: the bytes are not UTF-8")
        .endsWith("Convert the file to UTF-8");
    assertThat(records.get(1).cells()).containsEntry("a", "café");
  }

  @Test
  void marksAQuoteThatIsNeverClosedAndGoesOnWithTheNextLine() throws IOException {
    List<SourceRecord> records = read(Csv.of(file("a,b\n1,\"open\n2,x\n3,y\n")));

    assertThat(problems(records))
        .containsExactly(
            "line 2: a quoted cell begins here and never ends. Close or double the quote");
    assertThat(records).extracting(SourceRecord::line).containsExactly(2L, 3L, 4L);
    assertThat(records.get(2).cells()).isEqualTo(Map.of("a", "3", "b", "y"));
  }

  @Test
  void marksTextAfterAClosingQuote() throws IOException {
    List<SourceRecord> records = read(Csv.of(file("a,b\n\"x\"y,1\n2,3\n")));

    assertThat(problems(records)).singleElement().asString().contains("line 2: not a CSV record");
    assertThat(records).hasSize(2);
  }

  @Test
  void boundsTheSizeOfARecord() throws IOException {
    List<SourceRecord> records =
        read(
            Csv.of(file("a\n" + "x".repeat(50) + "\n" + "y".repeat(49) + "\nz\n"))
                .maximumRecordBytes(49));

    assertThat(problems(records))
        .singleElement()
        .asString()
        .startsWith("line 2: the record is longer than 49 bytes")
        .endsWith("raise maximumRecordBytes");
    assertThat(records).extracting(SourceRecord::line).containsExactly(2L, 3L, 4L);
    assertThat(records.get(1).cells()).containsEntry("a", "y".repeat(49));
  }

  @Test
  void saysWhatIsWrongWithThePath() {
    assertThatThrownBy(() -> Csv.of(folder.resolve("nowhere.csv")).open())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("nowhere.csv: there is no such file; the working folder is ");
    assertThatThrownBy(() -> Csv.of(folder).open())
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is a folder; expected a file");
  }

  @Test
  void refusesASeparatorThatCannotBeOne() {
    Csv csv = Csv.of(folder.resolve("a.csv"));
    assertThatThrownBy(() -> csv.separator('\n'))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("separator must be an ASCII character, no line break and not '\"'");
    assertThatThrownBy(() -> csv.quote(',')).hasMessageContaining("not ',', got ','");
    assertThatThrownBy(() -> csv.maximumRecordBytes(0)).hasMessageContaining("at least 1, got 0");
  }

  private Path file(String text) throws IOException {
    return Files.writeString(Files.createTempFile(folder, "table", ".csv"), text);
  }

  private Path gzip(String text) throws IOException {
    Path file = folder.resolve("table.csv.gz");
    try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  private static List<String> problems(List<SourceRecord> records) {
    return records.stream()
        .map(SourceRecord::problem)
        .filter(Objects::nonNull)
        .map(problem -> problem.getMessage().substring(problem.source().length() + 2))
        .toList();
  }

  private static List<SourceRecord> read(DataSource source) {
    List<SourceRecord> records = new ArrayList<>();
    try (RecordReader reader = source.open()) {
      for (SourceRecord next = reader.next(); next != null; next = reader.next()) {
        records.add(next);
      }
    }
    return records;
  }
}
