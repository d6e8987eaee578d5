package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.StorageException;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufAdapter;
import io.athanor.model.format.gguf.GgufPrecision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
  private Path disk;

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectory(temp.resolve("disk"));
    int mounted = -1;
    try {
      mounted = run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk.toString());
    } catch (IOException e) {
      // There is no such command here.
    }
    assumeThat(mounted).as("this user may not mount a file system").isZero();
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", disk.toString());
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(List.of(command))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
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
      throws Exception {
    Path target = disk.resolve(name);

    assertThatThrownBy(() -> write.accept(target))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(disk.toString())
        .hasMessageContaining(": cannot be written (java.io.IOException: No space left on device)")
        .hasMessageContaining("Check that the folder is writable and the disk not full");

    assertThat(disk).isEmptyDirectory();
    assertThat(run("mount", "-o", "remount,size=1m", disk.toString())).isZero();
    write.accept(target);
    assertThat(Fixtures.names(disk)).containsExactly(name);
  }
}
