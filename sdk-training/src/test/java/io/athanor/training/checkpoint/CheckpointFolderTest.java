package io.athanor.training.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.TrainingHistory;
import io.athanor.training.checkpoint.Checkpoint.Best;
import io.athanor.training.checkpoint.Checkpoint.Mean;
import io.athanor.training.checkpoint.Checkpoint.Position;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointFolderTest {
  private static final Map<String, String> IDENTITY = Map.of("plan.epochs", "3", "backend", "any");

  @TempDir Path folder;

  private static Checkpoint checkpoint(long step) {
    Weights weights = Weights.of(Map.of("w", Tensor.ofFloats(new float[] {step, 0.1f}, 2)));
    Weights best = Weights.of(Map.of("w", Tensor.ofFloats(new float[] {-1, -2}, 2)));
    return new Checkpoint(
        step,
        new Position(1, 7),
        new Mean(0.1 + 0.2, 3),
        new Mean(1e-300, 1),
        Optional.of(new Best(1.0 / 3, 0, best)),
        2,
        new TrainingHistory(
            List.of(new TrainingHistory.Point(1, 0.7, 1e-3, 2.5)),
            List.of(new TrainingHistory.Evaluation(1, 1, Map.of("validation.loss", 1.0 / 3)))),
        Duration.ofNanos(123_456_789),
        new TrainingState(
            weights, Map.of("first/w", Tensor.ofFloats(new float[] {5, 6}, 2)), step, -9));
  }

  private void save(long... steps) {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      for (long step : steps) {
        open.save(checkpoint(step), IDENTITY, 3);
      }
    }
  }

  private Optional<Checkpoint> newest() {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return open.newest(IDENTITY);
    }
  }

  private Path file(long step, String name) {
    return folder.resolve("step-00000000000" + step).resolve(name);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void readsBackEveryBit() {
    save(5);

    assertThat(newest()).contains(checkpoint(5));
  }

  @Test
  void anEmptyFolderHasNone() {
    assertThat(newest()).isEmpty();
  }

  @Test
  void keepsTheNewestOnly() throws IOException {
    save(1, 2, 3, 4, 5);

    assertThat(names())
        .containsExactly(".lock", "step-000000000003", "step-000000000004", "step-000000000005");
  }

  @Test
  void theDigestsAreInTheFormatOfSha256sum() throws IOException {
    save(1);

    assertThat(Files.readAllLines(file(1, "SHA256SUMS")))
        .hasSize(2)
        .allMatch(line -> line.matches("[0-9a-f]{64}  (state.safetensors|checkpoint.json)"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"state.safetensors", "checkpoint.json", "SHA256SUMS"})
  void skipsADamagedCheckpoint(String name) throws IOException {
    save(1, 2);
    byte[] bytes = Files.readAllBytes(file(2, name));
    bytes[bytes.length / 2] ^= 1;
    Files.write(file(2, name), bytes);

    assertThat(newest()).contains(checkpoint(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"state.safetensors", "checkpoint.json", "SHA256SUMS"})
  void skipsACheckpointWithAFileMissing(String name) throws IOException {
    save(1, 2);
    Files.delete(file(2, name));

    assertThat(newest()).contains(checkpoint(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"state.safetensors", "checkpoint.json", "SHA256SUMS"})
  void skipsATruncatedCheckpoint(String name) throws IOException {
    save(1, 2);
    try (RandomAccessFile file = new RandomAccessFile(file(2, name).toFile(), "rw")) {
      file.setLength(file.length() / 2);
    }

    assertThat(newest()).contains(checkpoint(1));
  }

  @Test
  void skipsAnEmptyCheckpointFolder() throws IOException {
    save(1);
    Files.createDirectory(folder.resolve("step-000000000009"));

    assertThat(newest()).contains(checkpoint(1));
  }

  @Test
  void replacesADamagedCheckpointOfTheSameStep() throws IOException {
    save(1, 2);
    Files.delete(file(2, "checkpoint.json"));

    save(2);

    assertThat(newest()).contains(checkpoint(2));
  }

  @Test
  void keepsWhatItSavesAfterADamagedNewerOne() throws IOException {
    save(1, 9);
    Files.delete(file(9, "checkpoint.json"));

    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      assertThat(open.newest(IDENTITY)).contains(checkpoint(1));
      open.save(checkpoint(2), IDENTITY, 1);
    }

    assertThat(newest()).contains(checkpoint(2));
    assertThat(names()).containsExactly(".lock", "step-000000000002", "step-000000000009");
  }

  @Test
  void saysSoWhenAllAreDamaged() throws IOException {
    save(1, 2);
    Files.delete(file(1, "checkpoint.json"));
    Files.delete(file(2, "SHA256SUMS"));

    assertThatThrownBy(this::newest)
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("none of the 2 checkpoints is whole")
        .hasMessageContaining("the file checkpoint.json is missing")
        .hasMessageContaining("the file SHA256SUMS is missing")
        .hasMessageContaining("delete it to start anew");
  }

  @Test
  void clearsAwayWhatAKilledProcessLeftHalfWritten() throws IOException {
    Path half = Files.createDirectory(folder.resolve(".step-000000000004.some-uuid.tmp"));
    Files.writeString(half.resolve("state.safetensors"), "half");

    assertThat(newest()).isEmpty();
    assertThat(names()).containsExactly(".lock");
  }

  @Test
  void namesEveryDifferenceToAnotherRun() {
    save(1);

    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      assertThatThrownBy(() -> open.newest(Map.of("plan.epochs", "4", "backend", "any")))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("plan.epochs was 3 and is 4")
          .hasMessageContaining("to start anew")
          .hasMessageNotContaining("backend");
    }
  }

  @Test
  void goesOnWithAnEngineThatChanged() {
    save(1);

    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      Map<String, String> other = new HashMap<>(IDENTITY);
      other.put(CheckpointFolder.ENGINE + "threads", "2");
      assertThat(open.newest(other)).isPresent();
    }
  }

  @Test
  void lendsItselfToOneRunAtATime() {
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      assertThatThrownBy(() -> CheckpointFolder.open(folder))
          .isInstanceOf(ConflictException.class)
          .hasMessageContaining("another run writes its checkpoints here");
      assertThat(open.newest(IDENTITY)).isEmpty();
    }
    assertThat(newest()).isEmpty();
  }

  @Test
  void saysSoWhereItCannotWrite() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");

    assertThatThrownBy(() -> CheckpointFolder.open(file))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("checkpoints cannot be kept here");
  }
}
