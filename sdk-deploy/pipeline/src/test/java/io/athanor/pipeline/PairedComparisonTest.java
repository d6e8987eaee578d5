package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.Digest;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.eval.Evaluation;
import io.athanor.registry.ModelRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairedComparisonTest {
  private static final Digest ROWS = Digest.ofText("rows");

  @TempDir private Path temp;
  private ModelRegistry registry;
  private Path files;

  @BeforeEach
  void open() throws IOException {
    registry = ModelRegistry.open(temp.resolve("registry"));
    files = Files.createDirectory(temp.resolve("files"));
    Files.writeString(files.resolve("weights.bin"), "weights");
  }

  @AfterEach
  void close() {
    registry.close();
  }

  /** A classifier that is wrong on the first rows of 200. */
  private ModelVersion wrongOn(int wrong, Digest rows) {
    int[] actual = new int[200];
    float[] probabilities = new float[400];
    for (int row = 0; row < 200; row++) {
      actual[row] = row % 2;
      int predicted = row < wrong ? 1 - actual[row] : actual[row];
      probabilities[2 * row + predicted] = 1;
    }
    EvaluationReport report =
        Evaluation.of("y", new Outcomes.Labels(List.of("a", "b"), actual, probabilities), rows)
            .run();
    return registry.registration("m", files).report(report).register();
  }

  @Test
  void saysWhichOneIsBetterAndByHowMuch() {
    PairedComparison comparison =
        PairedComparison.of(registry, wrongOn(60, ROWS), wrongOn(20, ROWS));

    assertThat(comparison.metrics()).hasSize(2);
    assertThat(comparison.metrics().get(0).difference().value()).isCloseTo(0.2, within(1e-9));
    assertThat(comparison.metrics().get(0).difference().low()).isPositive();
    assertThat(comparison.sentences().get(0))
        .startsWith("By accuracy, m:2 is better than m:1: 0.7000 and 0.9000, difference 0.2000")
        .endsWith("on 200 rows.");
    assertThat(PairedComparison.of(registry, comparison.second(), comparison.first()).toString())
        .contains("m:1 is worse than m:2");
  }

  @Test
  void doesNotSayMoreThanTheRowsTell() {
    assertThat(PairedComparison.of(registry, wrongOn(20, ROWS), wrongOn(20, ROWS)).sentences())
        .allMatch(sentence -> sentence.contains("these rows do not tell m:2 from m:1"));
  }

  @Test
  void refusesReportsOfOtherRowsAndNone() {
    ModelVersion version = wrongOn(20, ROWS);
    ModelVersion elsewhere = wrongOn(20, Digest.ofText("other rows"));
    ModelVersion without = registry.registration("m", files).register();

    assertThatThrownBy(() -> PairedComparison.of(registry, version, elsewhere))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the reports are about different rows");
    assertThatThrownBy(() -> PairedComparison.of(registry, version, without))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("a paired comparison of m:3, which has no report");
  }
}
