package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GoldenTranscriptTest {
  private static final List<Row> AREAS = List.of(Row.of("area", 10), Row.of("area", 70));

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @AfterEach
  void close() {
    backend.close();
  }

  private Deployment deploy(ModelArtifact model) {
    return new InProcess().backend(backend).deploy("model", model);
  }

  /** Prices, each larger by a share of 310 for an area of 70. */
  private Deployment dearer(double deviation) {
    ModelArtifact prices = TinyArtifacts.prices();
    FeatureEncoding encoding =
        new FeatureEncoding(
            List.of(new Encoder.Standardize("area", 50, 10)),
            new TargetEncoder.Quantity("price", 250, deviation),
            Optional.empty());
    return deploy(
        TinyArtifacts.artifact(
            prices.graph(),
            encoding,
            Map.of("line.weight", new float[] {1}, "line.bias", new float[] {0})));
  }

  @Test
  void theSameModelPassesAndTheFirstDifferenceIsTold() {
    try (Deployment origin = deploy(TinyArtifacts.prices());
        Deployment same = deploy(TinyArtifacts.prices());
        Deployment dearer = dearer(30.3)) {
      GoldenTranscript<Deployment> golden = GoldenTranscript.ofRows(origin, AREAS);
      golden.require(same);
      assertThat(golden.size()).isEqualTo(2);

      assertThatThrownBy(() -> golden.require(dearer))
          .isInstanceOf(ValidationException.class)
          .hasMessageStartingWith("Invalid copy of model:")
          .hasMessageContaining("question 1 of 2, {area=10.0}: expected 130.0, got 128.8");
      golden.tolerance(0.01).require(dearer);
    }
  }

  @Test
  void probabilitiesAndLabelsMustAgree() {
    try (Deployment origin = deploy(TinyArtifacts.spam());
        Deployment other = deploy(TinyArtifacts.scans());
        Deployment sizes = deploy(TinyArtifacts.sizes())) {
      GoldenTranscript<Deployment> golden =
          GoldenTranscript.ofRows(origin, List.of(Row.of("body", "won a prize")));
      golden.require(origin);
      assertThatThrownBy(() -> golden.require(other))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("question 1 of 1, {body=won a prize}: it refuses: ")
          .hasMessageContaining("body");
      Row ten = Row.of(Map.of("size", 10, "colour", "red"));
      assertThatThrownBy(
              () -> GoldenTranscript.ofRows(sizes, List.of(ten)).tolerance(-1).require(sizes))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("largest must be at least 0");
    }
  }

  @Test
  void textsMustBeTheSameToTheLetter() {
    GenerationSettings four = GenerationSettings.greedy().toBuilder().maxNewTokens(4).build();
    try (TextDeployment origin = new InProcess().backend(backend).text("a", ChatModels.chat(5));
        TextDeployment other = new InProcess().backend(backend).text("a", ChatModels.chat(6))) {
      GoldenTranscript<TextDeployment> golden =
          GoldenTranscript.ofTexts(origin, List.of(TextRequest.of("win").settings(four)));
      golden.require(origin);
      String said = origin.generate(TextRequest.of("win").settings(four)).text();
      assertThatThrownBy(() -> golden.require(other))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("question 1 of 1, 'win': expected '" + said + "', got '");
      TextRequest drawn = TextRequest.of("win").settings(four.toBuilder().temperature(0.5).build());
      assertThatThrownBy(() -> GoldenTranscript.ofTexts(origin, List.of(drawn)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("requests must be greedy");
    }
  }

  @Test
  void atLeastOneQuestionIsAsked() {
    try (Deployment origin = deploy(TinyArtifacts.prices())) {
      assertThatThrownBy(() -> GoldenTranscript.ofRows(origin, List.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("questions must have at least one");
    }
  }
}
