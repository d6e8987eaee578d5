package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import io.athanor.api.model.Export;
import io.athanor.api.model.ExportFormat;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.tck.fixture.SmallDisk;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What targets write to disks that are full, and where there is something already. */
class TargetFilesTest {
  @TempDir Path home;

  /** Those that write files. */
  enum Kind {
    CONTAINER,
    DEVICE_FOLDER,
    DEVICE_ZIP,
    OLLAMA_FOLDER
  }

  private void write(Kind kind, Path target) throws IOException {
    ExportFormat format =
        switch (kind) {
          case CONTAINER -> ContainerTarget.named("model", jars()).format();
          case DEVICE_FOLDER -> EdgeBundle.folder().format();
          case DEVICE_ZIP -> EdgeBundle.zip().format();
          case OLLAMA_FOLDER -> OllamaTarget.format(GgufPrecision.F32);
        };
    Export.of(kind == Kind.OLLAMA_FOLDER ? ChatModels.chat(1) : TinyArtifacts.spam())
        .to(target, format)
        .write();
  }

  private Path jars() throws IOException {
    Path jars = Files.createDirectories(home.resolve("jars"));
    try (OutputStream out = Files.newOutputStream(jars.resolve("server.jar"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("io/athanor/server/Serve.class"));
    }
    return jars;
  }

  @ParameterizedTest
  @EnumSource
  void aFullDiskKeepsNothingAndTakesItOnceThereIsRoom(Kind kind) throws IOException {
    Optional<SmallDisk> mounted = SmallDisk.mounted(home, "4k");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    try (SmallDisk disk = mounted.orElseThrow()) {
      Path target = disk.folder().resolve("target");

      assertThatThrownBy(() -> write(kind, target))
          .isInstanceOf(StorageException.class)
          .hasMessageStartingWith(target + ": cannot be written")
          .hasMessageContaining("No space left on device");

      assertThat(disk.folder()).isEmptyDirectory();
      assertThat(disk.remount("size=4m")).isTrue();
      write(kind, target);
      assertThat(target).exists();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsThereIsNotOursToReplace(Kind kind) throws IOException {
    Path folder = Files.createDirectories(home.resolve("theirs"));
    Files.writeString(folder.resolve("thesis.txt"), "three years of work");
    Path file = Files.writeString(home.resolve("thesis.txt"), "three years of work");
    for (Path taken : new Path[] {folder, file}) {
      assertThatThrownBy(() -> write(kind, taken))
          .isInstanceOf(ConflictException.class)
          .hasMessageContaining(taken.toString());
    }
    assertThat(folder.resolve("thesis.txt")).hasContent("three years of work");
    assertThat(file).hasContent("three years of work");
  }

  @Test
  void aFolderThatCannotBeMadeIsSaid() throws IOException {
    Path file = Files.writeString(home.resolve("file"), "no folder");
    for (Kind kind : Kind.values()) {
      assertThatThrownBy(() -> write(kind, file.resolve("target")))
          .as("%s", kind)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(file.toString());
    }
  }
}
