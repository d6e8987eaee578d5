package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Support;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExportTest {
  private static final ModelArtifact MODEL = model();
  private static final ExportFormat TEXT =
      ExportFormat.of(
          "text",
          model ->
              target -> {
                AtomicFile.writeText(target, model.architecture());
                return List.of(target);
              });
  private static final ExportFormat FOLDER =
      ExportFormat.of(
          "folder",
          model ->
              target -> {
                AtomicFolder.write(
                    target,
                    folder -> {
                      Files.writeString(folder.resolve("b"), "12");
                      Files.writeString(folder.resolve("a"), "345");
                    });
                return List.of(target);
              });
  private static final ExportFormat REFUSING =
      refusing(new UnsupportedException("no place for 'x'", "Leave 'x' out"));

  @TempDir Path home;

  private static ModelArtifact model() {
    GraphBuilder g = Graph.builder("line");
    Value x = g.input(FeatureEncoding.VECTOR, TensorType.f32(Dim.BATCH, Dim.of(1)));
    Graph graph = g.output(Signature.OUTPUT, g.linear("line", x, 1)).build();
    return new ModelArtifact(
        "line",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        new FeatureEncoding(
            List.of(new Encoder.Standardize("x", 1, 2)),
            new TargetEncoder.Quantity("y", 0, 1),
            Optional.empty()),
        Map.of(),
        new Provenance(Instant.EPOCH, 0, "{}", List.of(), Optional.empty(), Map.of()));
  }

  private static ExportFormat refusing(AthanorException refusal) {
    return ExportFormat.of(
        "bare",
        model -> {
          throw refusal;
        });
  }

  private List<String> files() throws IOException {
    try (Stream<Path> walk = Files.walk(home)) {
      return walk.filter(Files::isRegularFile)
          .map(file -> home.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void writesEachTargetAndSaysWhatItWrote() throws IOException {
    Path file = home.resolve("new/line.txt");
    Path folder = home.resolve("folder");

    List<Exported> written = Export.of(MODEL).to(file, TEXT).to(folder, FOLDER).write();

    assertThat(files()).containsExactly("folder/a", "folder/b", "new/line.txt");
    assertThat(written)
        .containsExactly(
            new Exported("text", file, 4, Digest.ofText("line"), MODEL.weightsDigest()),
            new Exported(
                "folder",
                folder,
                5,
                Digest.ofText(
                    Digest.ofText("345").hex()
                        + "  folder/a\n"
                        + Digest.ofText("12").hex()
                        + "  folder/b\n"),
                MODEL.weightsDigest()));
  }

  @Test
  void refusesBeforeAnythingIsWritten() throws IOException {
    Export export = Export.of(MODEL).to(home.resolve("a"), TEXT);

    assertThatThrownBy(() -> export.to(home.resolve("b"), REFUSING))
        .isInstanceOf(UnsupportedException.class)
        .hasMessage("Unsupported: as bare: no place for 'x'. Leave 'x' out");

    assertThat(files()).isEmpty();
    assertThat(REFUSING.holds(MODEL))
        .isEqualTo(new Support.Unsupported("as bare: no place for 'x'", "Leave 'x' out"));
    assertThat(TEXT.holds(MODEL)).isEqualTo(new Support.Supported());
  }

  static Stream<AthanorException> refusals() {
    return Stream.of(
        new ValidationException("weights", List.of("'w' is NaN")),
        new FormatException("tokenizer.json", "'w' is NaN"),
        new GraphException("layer", "'w' is NaN"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whateverAFormatFindsWrongInAModelIsARefusal(AthanorException refusal) {
    assertThatThrownBy(() -> Export.of(MODEL).to(home.resolve("b"), refusing(refusal)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageStartingWith("Unsupported: as bare: ")
        .hasMessageContaining("'w' is NaN. Mend what it names, or take another format");
  }

  @Test
  void replacesNothing() throws IOException {
    Path taken = Files.writeString(home.resolve("taken"), "old");
    Path link = Files.createSymbolicLink(home.resolve("link"), home.resolve("nowhere"));
    Path empty = Files.createDirectory(home.resolve("empty"));

    for (Path path : List.of(taken, link, empty)) {
      assertThatThrownBy(() -> Export.of(MODEL).to(path, TEXT))
          .isInstanceOf(ConflictException.class)
          .hasMessageStartingWith(path + ": there is something already");
    }
    Export late = Export.of(MODEL).to(home.resolve("a"), TEXT).to(home.resolve("b"), TEXT);
    Files.writeString(home.resolve("b"), "older");
    assertThatThrownBy(late::write).isInstanceOf(ConflictException.class);

    assertThat(files()).containsExactly("b", "taken");
    assertThat(home.resolve("b")).hasContent("older");
    assertThat(taken).hasContent("old");
  }

  @Test
  void targetsLieApart() {
    Export export = Export.of(MODEL).to(home.resolve("a/b"), FOLDER);

    for (String other : List.of("a/b", "a", "a/b/c", "x/../a/b")) {
      assertThatThrownBy(() -> export.to(home.resolve(other), TEXT))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("target must lie apart from the others");
    }
  }

  @Test
  void whatCannotBeWrittenLeavesTheTargetsBeforeIt() throws IOException {
    Path file = Files.writeString(home.resolve("file"), "in the way");
    Export export = Export.of(MODEL).to(home.resolve("a"), TEXT).to(file.resolve("under/b"), TEXT);

    assertThatThrownBy(export::write)
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(file.resolve("under/b") + ": cannot be written");

    assertThat(files()).containsExactly("a", "file");
  }

  @Test
  void anExportStaysAsItIsWhenATargetIsAdded() throws IOException {
    Export one = Export.of(MODEL).to(home.resolve("a"), TEXT);
    Export two = one.to(home.resolve("b"), TEXT);

    assertThat(one.write()).hasSize(1);
    assertThat(files()).containsExactly("a");
    assertThatThrownBy(two::write).isInstanceOf(ConflictException.class);
  }
}
