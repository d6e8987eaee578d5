package io.athanor.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Rows;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.data.Dataset;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFilesTest {
  @TempDir Path folder;

  @BeforeEach
  void writeFiles() throws IOException {
    write("b/Two.java", "class Two {}\n");
    write("a/One.java", "class One {}\n// Grüße\n");
    write("a/notes.txt", "not code");
    write(".git/Hidden.java", "hidden");
    write("a/.Hidden.java", "hidden");
    write("Root.java", "");
  }

  @Test
  void givesTheMatchingFilesSortedByPath() {
    assertThat(read(TextFiles.of(folder, "**.java")))
        .containsExactly(
            "Root.java: null",
            "a/One.java: class One {}\n// Grüße\n",
            "b/Two.java: class Two {}\n");
    assertThat(read(TextFiles.of(folder, "**.java").without("b/*")))
        .hasSize(2)
        .noneMatch(file -> file.startsWith("b/"));
  }

  @Test
  void readsAnArchiveAsTheFolderItHolds() throws IOException {
    Path jar = folder.resolve("sources.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String name : List.of("b/Two.java", "a/One.java", "META-INF/x")) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(("in " + name).getBytes(StandardCharsets.UTF_8));
      }
    }

    assertThat(read(TextFiles.of(jar, "**.java")))
        .containsExactly("a/One.java: in a/One.java", "b/Two.java: in b/Two.java");
  }

  @Test
  void namesTheFileThatIsNotUtf8() throws IOException {
    Files.write(folder.resolve("a/Bad.java"), new byte[] {'a', (byte) 0xFF, 'b'});

    assertThatThrownBy(() -> read(TextFiles.of(folder, "**.java")))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(
            folder + "/a/Bad.java, column 'text': the bytes are not UTF-8 (Input length = 1)");
  }

  @Test
  void refusesAFileAboveTheLimit() {
    assertThatThrownBy(() -> read(TextFiles.of(folder, "**.java").maximumFileBytes(15)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(
            folder + "/a/One.java, column 'text': the file is larger than 15 bytes");
  }

  @Test
  void refusesAPatternThatMatchesNothing() {
    assertThatThrownBy(() -> read(TextFiles.of(folder, "**.kt")))
        .isInstanceOf(FormatException.class)
        .hasMessage(folder + ": has no file whose path matches '**.kt'. Correct the pattern");
    assertThatThrownBy(() -> TextFiles.of(folder, "[a"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("pattern must be a glob such as **.java, got '[a'");
  }

  @Test
  void refusesWhatIsNoFolder() throws IOException {
    assertThatThrownBy(() -> read(TextFiles.of(folder.resolve("Root.java"), "**")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is neither a folder nor a .zip or .jar file");
    Path broken = Files.writeString(folder.resolve("broken.jar"), "no zip");
    assertThatThrownBy(() -> read(TextFiles.of(broken, "**")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("is not a readable zip file");
  }

  @Test
  void noticesFilesThatChange() throws IOException {
    Dataset files = Dataset.from(TextFiles.of(folder, "**.java")).text(TextFiles.PATH);
    files.rows().row(0);
    write("b/Two.java", "class Two { int changed; }\n");

    assertThatThrownBy(() -> files.rows().row(1))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("has changed since this dataset read it first");
  }

  private static Rows rows(TextFiles files) {
    return Dataset.from(files).text(TextFiles.TEXT, TextFiles.PATH).rows();
  }

  private static List<String> read(TextFiles files) {
    Rows rows = rows(files);
    List<String> found = new ArrayList<>();
    for (long i = 0; i < rows.size(); i++) {
      found.add(rows.row(i).cell(TextFiles.PATH) + ": " + rows.row(i).cell(TextFiles.TEXT));
    }
    return found;
  }

  private void write(String path, String text) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
