package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Precision;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.Deployments;
import io.athanor.model.generate.TextEmbedder;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EmbeddingServingTest {
  private final GatedBackend backend = new GatedBackend();
  private final InProcess serving = Deployments.inProcess().backend(backend);

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  @Test
  void vectorsHaveLengthOneAndTheOrderOfTheTexts() {
    try (EmbeddingDeployment live = serving.embedding("tiny", TinyText.embedder());
        TextEmbedder alone = TextEmbedder.of(TinyText.embedder(), backend)) {
      EmbeddingAnswer answer = live.embed(List.of("abc", "d", "zzzzzz"));
      assertThat(answer.vectors()).hasSize(3);
      assertThat(answer.vectors().get(1)).isEqualTo(alone.embed("d"));
      assertThat(answer.vectors().get(2)).isEqualTo(alone.embed("zzzzzz"));
      double squares = 0;
      for (float value : answer.vectors().get(0)) {
        squares += value * value;
      }
      assertThat(squares).isCloseTo(1, Assertions.within(1e-5));
      assertThat(answer.tokens()).isEqualTo(10);
      assertThat(answer.version()).isEqualTo(TinyText.embedder().weightsDigest().brief());
      assertThat(live.dimensions()).isEqualTo(4);
      assertThat(live.stats().answered()).isEqualTo(3);
      assertThat(live.embed(List.of()).vectors()).isEmpty();
    }
  }

  @Test
  void emptyTextsAreAllNamedAndNothingIsComputed() {
    try (EmbeddingDeployment live = serving.embedding("tiny", TinyText.embedder())) {
      assertThatThrownBy(() -> live.embed(List.of("", "a", "")))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("text 0 has no tokens")
          .hasMessageContaining("text 2 has no tokens");
      assertThat(live.stats().batches()).isZero();
    }
  }

  @Test
  void numberFormatThatTheBackendLacksIsRefused() {
    assertThatThrownBy(
            () -> serving.precision(Precision.BF16).embedding("tiny", TinyText.embedder()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("does not compute in BF16");
  }

  @Test
  void modelThatGivesNoVectorsIsRefused() {
    assertThatThrownBy(() -> serving.embedding("tiny", TinyText.model()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("gives no vectors");
  }

  @Test
  void closedDeploymentSaysSo() {
    EmbeddingDeployment live = serving.embedding("tiny", TinyText.embedder());
    live.close();
    assertThatThrownBy(() -> live.embed(List.of("a")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
  }
}
