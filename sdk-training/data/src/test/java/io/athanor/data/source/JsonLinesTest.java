package io.athanor.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.data.Dataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLinesTest {
  @TempDir Path folder;

  @Test
  void readsStringsNumbersBooleansAndMissingCells() throws IOException {
    Path file =
        file(
            """
            {"text": "a\\nb", "n": 1.5, "kind": true, "label": 1}
            {"label": "x", "n": 2, "text": null}
            """);

    var rows =
        Dataset.from(JsonLines.of(file)).text("text").number("n").category("kind").label("label");

    assertThat(rows.rows().row(0))
        .isEqualTo(Row.of(Map.of("text", "a\nb", "n", 1.5, "kind", "true", "label", "1")));
    assertThat(rows.rows().row(1)).isEqualTo(Row.of(Map.of("n", 2.0, "label", "x")));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "{\"a\": {\"b\": 1}}|line 2, column 'a': expected a string, a number or a boolean. Flatten",
        "{\"a\": [1]}|line 2, column 'a': expected a string, a number or a boolean. Flatten",
        "{\"a\": 1|line 2: not a JSON object: Unexpected end-of-input",
        "[1]|line 2: expected a JSON object, got START_ARRAY",
        "{\"a\": 1} {\"a\": 2}|line 2: expected one JSON object in a line, got more",
        "{\"a\": 1, \"a\": 2}|line 2: not a JSON object: Duplicate field 'a'",
        "{\"a\": NaN}|line 2: not a JSON object: Non-standard token 'NaN'",
        "{\"a\": 1e999}|line 2, column 'a': expected a finite number, got"
      })
  void refusesMalformedLines(String line, String problem) throws IOException {
    Path file = file("{\"a\": 1}\n" + line + "\n");

    assertThatThrownBy(() -> Dataset.from(JsonLines.of(file)).number("a").rows())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ", " + problem);
  }

  @Test
  void refusesAnEmptyFile() throws IOException {
    Path file = file("");

    assertThatThrownBy(() -> Dataset.from(JsonLines.of(file)).number("a").rows())
        .isInstanceOf(FormatException.class)
        .hasMessage(file + ": is empty; expected one JSON object in each line");
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("rows.jsonl"), text);
  }
}
