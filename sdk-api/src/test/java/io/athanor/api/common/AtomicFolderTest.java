package io.athanor.api.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTest {
  @TempDir Path parent;

  @Test
  void aFolderIsWholeOrAbsent() throws IOException {
    Path folder = parent.resolve("model");
    assertThatThrownBy(
            () ->
                AtomicFolder.write(
                    folder,
                    half -> {
                      Files.writeString(half.resolve("a"), "a");
                      throw new IOException("the disk is gone");
                    }))
        .hasMessageContaining("the disk is gone");
    assertThat(parent).isEmptyDirectory();
    AtomicFolder.write(folder, whole -> Files.writeString(whole.resolve("a"), "a"));
    assertThat(folder.resolve("a")).hasContent("a");
    assertThatThrownBy(() -> AtomicFolder.write(folder, again -> {}))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("choose another folder");
  }

  @Test
  void aFileThatCannotBeWrittenIsReportedUnderTheNameOfTheFolder() {
    Path folder = parent.resolve("model");

    assertThatThrownBy(
            () ->
                AtomicFolder.write(
                    folder,
                    half ->
                        AtomicFile.write(
                            half.resolve("a"),
                            channel -> {
                              throw new IOException("No space left on device");
                            })))
        .isInstanceOf(StorageException.class)
        .hasMessage(
            folder
                + ": cannot be written (java.io.IOException: No space left on device). Check that"
                + " the folder is writable and the disk not full");
    assertThat(parent).isEmptyDirectory();
  }

  @Test
  void whatCannotBeReadElsewhereKeepsItsName() {
    assertThatThrownBy(
            () ->
                AtomicFolder.write(
                    parent.resolve("model"),
                    half -> {
                      throw new StorageException("/elsewhere/source", "cannot be read");
                    }))
        .hasMessage("/elsewhere/source: cannot be read");
  }

  @Test
  void deletesWhatIsInsideButNotWhatLinksPointTo() throws IOException {
    Path kept = Files.writeString(parent.resolve("kept"), "kept");
    Path folder = Files.createDirectories(parent.resolve("model/deep")).getParent();
    Files.writeString(folder.resolve("deep/a"), "a");
    Files.createSymbolicLink(folder.resolve("link"), kept);
    Files.createSymbolicLink(folder.resolve("broken"), parent.resolve("nowhere"));
    AtomicFolder.delete(folder);
    assertThat(folder).doesNotExist();
    assertThat(kept).hasContent("kept");
    AtomicFolder.delete(folder);
    AtomicFolder.delete(kept);
    assertThat(parent).isEmptyDirectory();
  }
}
