package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is wrong with the input, a release says it and leaves the registry as it was. */
class BadInputTest {
  private static final String GOOD =
      "x,colour,y\n"
          + IntStream.range(0, 40)
              .mapToObj(i -> i + (i % 3 == 0 ? ",red," : ",green,") + (i < 20 ? "low\n" : "high\n"))
              .reduce("", String::concat);

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = ModelRegistry.open(home.resolve("models"));
  }

  @AfterEach
  void close() {
    registry.close();
    backend.close();
  }

  private Split split(String csv) throws IOException {
    Path file = Files.writeString(home.resolve("rows.csv"), csv);
    return Dataset.from(Csv.of(file)).number("x").category("colour").label("y").split(0.5, 0, 0.5);
  }

  private Training training(Split split) {
    return Training.of(Models.mlp(4), split).epochs(4).batchSize(4).backend(backend);
  }

  private Release release(Split split) {
    return Pipeline.of(registry, "level").backend(backend).release(training(split), split.test());
  }

  static List<Arguments> badFiles() {
    return List.of(
        Arguments.of("empty", "", FormatException.class, "rows.csv: is empty; expected a header"),
        Arguments.of(
            "wrong delimiter",
            GOOD.replace(',', ';'),
            FormatException.class,
            "The file looks separated by ';': use separator(';')"),
        Arguments.of(
            "no label column",
            GOOD.replace("x,colour,y", "x,colour,level"),
            NotFoundException.class,
            "No column 'y' in "),
        Arguments.of(
            "no label in a row",
            GOOD + "7,red,\n",
            FormatException.class,
            "rows.csv, line 42, column 'y': the row has no value to learn"),
        Arguments.of(
            "one class only",
            GOOD.replace("high", "low"),
            ValidationException.class,
            "column 'y' has 1 label(s) [low], and a classifier needs at least two"),
        Arguments.of(
            "not a number",
            GOOD + "NaN,red,low\n",
            FormatException.class,
            "rows.csv, line 42, column 'x': expected a finite number, got 'NaN'"),
        Arguments.of(
            "cut off in the middle of a row",
            GOOD.substring(0, GOOD.length() - 6),
            FormatException.class,
            "rows.csv, line 41"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badFiles")
  void rowsThatCannotBeLearnedLeaveNoVersion(
      String defect, String csv, Class<? extends AthanorException> type, String problem) {
    assertThatThrownBy(() -> release(split(csv))).isInstanceOf(type).hasMessageContaining(problem);
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void aCategoryThatOnlyTestRowsHaveIsNamedBeforeAnythingIsRegistered() throws IOException {
    Split known = split(GOOD);
    Row held = known.test().row(0);
    String cells = "\n" + ((Double) held.cell("x")).intValue() + ",";
    String csv = GOOD.replace(cells + held.cell("colour"), cells + "pink");

    assertThatThrownBy(() -> release(split(csv)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("column 'colour': category 'pink' was not in the training data");
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void aDeployedModelRefusesBadRowsAndAnswersTheNext() throws IOException {
    Release release = release(split(GOOD));

    try (Deployment live = ((Release.Deployed) release).deployment()) {
      assertThatThrownBy(() -> live.predict(Map.of("x", 1, "colour", "pink")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'colour': category 'pink' was not in the training data");
      assertThatThrownBy(() -> live.predict(Map.of("x", Double.NaN, "colour", "red")))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("column 'x': expected a finite number, got 'NaN'");
      assertThat(live.predict(Map.of("x", 1, "colour", "red")).confidence()).isBetween(0.5, 1.0);
    }
  }

  @Test
  void checkpointsThatAreAllDamagedAreAnErrorAndNotAFreshStart() throws IOException {
    Path folder = home.resolve("checkpoints");
    Split split = split(GOOD);
    training(split).checkpoints(folder).run();
    int damaged = 0;
    for (Path weights : weightsIn(folder)) {
      try (FileChannel file = FileChannel.open(weights, StandardOpenOption.WRITE)) {
        file.truncate(file.size() / 2);
      }
      damaged++;
    }
    assertThat(damaged).isPositive();

    assertThatThrownBy(
            () ->
                Pipeline.of(registry, "level")
                    .backend(backend)
                    .release(training(split).checkpoints(folder), split.test()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("checkpoints");
    assertThat(registry.models()).isEmpty();
  }

  private static List<Path> weightsIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".safetensors")).toList();
    }
  }
}
