package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Distribution;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Trait.Aspect;
import io.athanor.api.error.FormatException;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BaselineFileTest {
  private static final Baseline BASELINE =
      Baseline.EMPTY
          .with(
              new Trait("area", Aspect.VALUE),
              new Distribution.Numbers(7, List.of(-1e300, 0.1, 2.5), List.of(0.25, 1.0 / 3, 1.0)))
          .with(new Trait("area", Aspect.PRESENCE), words())
          .with(
              new Trait("area", Aspect.EMBEDDING),
              new Distribution.Vectors(3, 4, 0.5, -7, List.of(0.25, -1.0)));

  @TempDir Path root;

  @Test
  void travelsWithTheModelAndLeavesItsWeightsDigestAlone() {
    ModelArtifact plain = model();
    Path folder = root.resolve("model");
    ArtifactFolder.write(plain.withBaseline(Optional.of(BASELINE)), folder);

    ModelArtifact read = ArtifactFolder.read(folder);

    assertThat(read.baseline()).contains(BASELINE);
    assertThat(read.weightsDigest()).isEqualTo(plain.weightsDigest());
  }

  @Test
  void aFolderWithoutOneIsReadAsBefore() {
    Path folder = root.resolve("model");
    ArtifactFolder.write(model(), folder);

    assertThat(folder.resolve("baseline.json")).doesNotExist();
    assertThat(ArtifactFolder.read(folder).baseline()).isEmpty();
  }

  @Test
  void aChangedFileIsNoticed() throws IOException {
    Path folder = root.resolve("model");
    ArtifactFolder.write(model().withBaseline(Optional.of(BASELINE)), folder);
    Path file = folder.resolve("baseline.json");
    Files.writeString(file, Files.readString(file).replace("\"present\"", "\"absent!\""));

    assertThatThrownBy(() -> ArtifactFolder.read(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("baseline.json")
        .hasMessageContaining("has another digest");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"format\":1 | \"format\":2 | expected format 1, got 2",
        "\"value\" | \"colour\" | 'aspect' must be one of",
        "\"numbers\" | \"digits\" | unknown kind 'digits'",
        "\"count\":7 | \"count\":-7 | cuts and upTo must be as many",
        "\"presence\" | \"confidence\" | cannot be Categories",
        "0.25 | \"x\" | must be a number",
        "[2,1] | [2] | expected as many counts as words",
      })
  void malformedContentIsNamed(String sound, String broken, String problem) {
    String json = BaselineJson.write(BASELINE).toString();
    assertThat(json).contains(sound);

    assertThatThrownBy(() -> BaselineJson.read("b.json", json.replaceFirst(quoted(sound), broken)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("b.json")
        .hasMessageContaining(problem);
  }

  private static String quoted(String text) {
    return java.util.regex.Pattern.quote(text);
  }

  private static Distribution words() {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("present", 2L);
    counts.put("missing", 1L);
    return new Distribution.Categories(counts, 4);
  }

  private static ModelArtifact model() {
    GraphBuilder g = Graph.builder("line");
    Value x = g.input(FeatureEncoding.VECTOR, TensorType.f32(Dim.BATCH, Dim.of(1)));
    Value y = g.linear("line", x, 1);
    Value target = g.target(Signature.TARGET, y.type());
    Graph graph = g.output(Signature.OUTPUT, y).loss(g.meanSquaredError(y, target)).build();
    return new ModelArtifact(
        "line",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        new FeatureEncoding(
            List.of(new Encoder.Standardize("area", 50, 10)),
            new TargetEncoder.Quantity("price", 250, 30),
            Optional.empty()),
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.<Digest>empty(), Map.of()));
  }
}
