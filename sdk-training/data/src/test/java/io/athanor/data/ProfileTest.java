package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.data.quality.ColumnProfile;
import io.athanor.data.quality.DataProfile;
import io.athanor.data.source.Csv;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileTest {
  @TempDir Path folder;

  @Test
  void countsWhatEveryColumnHolds() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("t.csv"),
            """
            x,c,kind,text,y
            1,5,k,hello,a
            3,5,,,b
            ,5,l,hi,b
            """);

    DataProfile profile =
        Dataset.from(Csv.of(file))
            .number("x", "c")
            .category("kind")
            .text("text")
            .label("y")
            .profile();

    assertThat(profile.rows()).isEqualTo(3);
    assertThat(profile.column("x")).isEqualTo(new ColumnProfile.Numbers("x", 1, 1, 2, 3, 1));
    assertThat(profile.column("kind"))
        .isEqualTo(new ColumnProfile.Categories("kind", 1, Map.of("k", 1L, "l", 1L), 2));
    assertThat(profile.column("text")).isEqualTo(new ColumnProfile.Texts("text", 1, 2, 3.5, 5));
    assertThat(profile.column("y"))
        .isEqualTo(new ColumnProfile.Categories("y", 0, Map.of("a", 1L, "b", 2L), 2));
    assertThat(profile.warnings())
        .containsExactly("column 'c' always holds 5.0 and tells a model nothing");
    assertThat(profile.toString())
        .startsWith(file + ": 3 rows, 0 quarantined\n")
        .contains(
            "  x     numbers from 1.00000 to 3.00000, mean 2.00000, deviation 1.00000, missing 1\n")
        .contains("  y     2 categories, b 2, a 1, missing 0\n")
        .contains("  ! column 'c' always holds 5.0");
  }
}
