package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.StorageException;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufAdapter;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.tck.fixture.SmallDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** On a file system of 8 KiB; skipped where this user may not mount one. */
class FullDiskTest {
  private static final PretrainedModel MODEL =
      HuggingFaceFolder.read(Fixtures.folder("parity/llama"));
  private static final PeftAdapter ADAPTER =
      PeftFolder.read(Fixtures.folder("parity/llama/adapter"));

  @TempDir private Path temp;
  private SmallDisk disk;

  @BeforeEach
  void mount() {
    Optional<SmallDisk> mounted = SmallDisk.mounted(temp, "8k");
    assumeThat(mounted).as("this user may not mount a file system").isPresent();
    disk = mounted.orElseThrow();
  }

  @AfterEach
  void unmount() {
    if (disk != null) {
      disk.close();
    }
  }

  static Stream<Arguments> writers() {
    return Stream.of(
        writer("model", target -> HuggingFaceFolder.write(MODEL, target)),
        writer("adapter", target -> PeftFolder.write(ADAPTER, target)),
        writer("model.gguf", target -> Gguf.write(target, MODEL, GgufPrecision.F32)),
        writer(
            "adapter.gguf",
            target -> GgufAdapter.write(target, ADAPTER, MODEL, GgufPrecision.F32)));
  }

  private static Arguments writer(String name, Consumer<Path> write) {
    return Arguments.of(name, write);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("writers")
  void leavesNothingOnAFullDiskAndWritesOnceThereIsSpace(String name, Consumer<Path> write)
      throws IOException {
    Path target = disk.folder().resolve(name);

    assertThatThrownBy(() -> write.accept(target))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(target + ": cannot be written")
        .hasMessageContaining("(java.io.IOException: No space left on device)")
        .hasMessageContaining("Check that the folder is writable and the disk not full");

    assertThat(disk.folder()).isEmptyDirectory();
    assertThat(disk.remount("size=1m")).isTrue();
    write.accept(target);
    assertThat(Fixtures.names(disk.folder())).containsExactly(name);
  }
}
