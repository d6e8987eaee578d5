package io.athanor.training;

import static io.athanor.api.training.Patience.patience;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.training.StopReason;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import org.junit.jupiter.api.Test;

class TrainingTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  private Training circle() {
    return Training.of(new TinyModel(8, 0), TinyData.circle(64, 32, 5))
        .backend(backend)
        .batchSize(8)
        .learningRate(0.02)
        .seed(7);
  }

  @Test
  void learnsToTellInsideFromOutside() {
    TrainingResult result = circle().epochs(30).stopEarly("validation.loss", patience(5)).run();

    assertThat(result.stopReason()).isIn(StopReason.COMPLETED, StopReason.STOPPED_EARLY);
    assertThat(result.model().metrics().get("validation.accuracy")).isGreaterThan(0.85);
    assertThat(result.history().evaluations().get(0).metrics().get("validation.loss"))
        .isGreaterThan(result.model().metrics().get("validation.loss"));
  }
}
