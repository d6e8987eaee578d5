package io.athanor.api.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  @Test
  void theContentReplacesWhatWasThere() throws IOException {
    Path file = folder.resolve("a/b.txt");
    AtomicFile.writeText(file, "first, and longer");
    AtomicFile.writeText(file, "zweite Fassung ü");

    assertThat(file).hasContent("zweite Fassung ü");
    assertThat(file.getParent()).isDirectoryContaining(file::equals);
    try (var left = Files.list(file.getParent())) {
      assertThat(left).hasSize(1);
    }
  }

  @Test
  void theOldContentSurvivesAWriteThatFailsHalfWay() throws IOException {
    Path file = folder.resolve("kept.txt");
    AtomicFile.writeText(file, "old");

    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    AtomicFile.streaming(
                        out -> {
                          out.write(new byte[100_000]);
                          throw new IOException("No space left on device");
                        })))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(file + ": cannot be written")
        .hasMessageContaining("No space left on device");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      throw new IllegalStateException("a bug in the caller");
                    }))
        .isInstanceOf(IllegalStateException.class);

    assertThat(file).hasContent("old");
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void aFileInPlaceOfTheFolderIsReported() throws IOException {
    Path blocker = Files.writeString(folder.resolve("blocker"), "a file");

    assertThatThrownBy(() -> AtomicFile.writeText(blocker.resolve("x.txt"), "text"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("Check that the folder is writable");
    assertThat(blocker).hasContent("a file");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aFolderThatTakesNoFilesIsReported() {
    assertThatThrownBy(() -> AtomicFile.writeText(Path.of("/proc/athanor.txt"), "text"))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith("/proc/athanor.txt: cannot be written");
  }

  @Test
  void aFolderInPlaceOfTheFileIsReported() throws IOException {
    Path taken = Files.createDirectories(folder.resolve("taken/inside")).getParent();

    assertThatThrownBy(() -> AtomicFile.writeText(taken, "text"))
        .isInstanceOf(StorageException.class);
    assertThat(taken.resolve("inside")).isDirectory();
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(taken);
    }
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void theFileHasTheUsualPermissions() throws IOException {
    Path usual = Files.createFile(folder.resolve("usual"));
    Path file = folder.resolve("written");
    AtomicFile.writeText(file, "text");

    assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(usual));
  }
}
