package io.athanor.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.error.ValidationException;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingEstimate;
import io.athanor.api.training.TrainingForecast;
import io.athanor.api.training.TrainingForecast.Remedy;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Estimates need no backend; {@code TinyModel} has 2 x 8 + 8 and 8 x 2 + 2 parameters. */
class EstimateTest {
  private static Training training() {
    return Training.of(new TinyModel(8, 0), TinyData.circle(64, 32, 5)).epochs(3).batchSize(16);
  }

  @Test
  void countsParametersStepsAndOperations() {
    TrainingEstimate estimate = training().estimate();

    assertThat(estimate.model()).isEqualTo("tiny");
    assertThat(estimate.parameters()).isEqualTo(42);
    assertThat(estimate.trained()).isEqualTo(42);
    assertThat(estimate.sizes()).isEqualTo(Map.of("batch", 16L));
    assertThat(estimate.steps()).isEqualTo(3 * 4);
    double hidden = 16 * (2 * 2 * 8 + 8);
    double gelu = 16 * 8;
    double head = 16 * (2 * 8 * 2 + 2);
    double loss = 5 * 16 * 2;
    double forward = hidden + gelu + head + loss;
    double backward = hidden + gelu + 2 * head + loss;
    assertThat(estimate.stepFlops()).isCloseTo(forward + backward, within(1e-6));
    assertThat(estimate.totalFlops())
        .isCloseTo(12 * (forward + backward) + 3 * 2 * forward, within(1e-6));
    double values = 16 * 4 * ((2 + 8) + (8 + 8) + (8 + 2)) + 16 * (4 * 2 + 8) + 4;
    assertThat(estimate.totalBytes())
        .isCloseTo(12.0 * 42 * 4 * 8 + (12 * 3 + 3 * 2) * values, within(1e-6));
    assertThat(estimate.totalOperations()).isEqualTo(12 * 2 * 4 + 3 * 2 * 4);
  }

  @Test
  void memoryFollowsThePlan() {
    TrainingEstimate planned = training().estimate();
    TrainingEstimate split = training().accumulate(4).estimate();
    TrainingEstimate plain = training().optimizer(Optimizer.sgd(0)).estimate();
    TrainingEstimate adapted = training().tuning(Lora.rank(1).targets("hidden")).estimate();

    assertThat(planned.memory().optimizer()).isEqualTo(2 * 4 * 42);
    assertThat(plain.memory().optimizer()).isZero();
    assertThat(split.sizes()).isEqualTo(Map.of("batch", 4L));
    assertThat(split.memory().activations()).isEqualTo(planned.memory().activations() / 4);
    assertThat(split.memory().gradients()).isEqualTo(2 * 4 * 42);
    assertThat(adapted.trained()).isEqualTo(2 + 8);
    assertThat(adapted.parameters()).isEqualTo(42 + 10);
    assertThat(planned.javaBytes()).isEqualTo(3 * 4 * 42);
  }

  @Test
  void aRunThatDoesNotFitIsToldWhatWould() {
    DeviceProfile small = DeviceProfile.processor("small", 1e9, 2500, 1e9);

    TrainingForecast forecast = training().estimate(small);

    assertThat(forecast.fits()).isFalse();
    assertThat(forecast.remedies())
        .extracting(Remedy::advice)
        .startsWith("accumulate(4)", "recompute()")
        .contains("tuning(Lora.rank(8))");
    assertThat(forecast.remedies().get(0).estimate().fits(small)).isTrue();
    assertThat(forecast.remedies().get(1).estimate().totalFlops())
        .isGreaterThan(forecast.estimate().totalFlops());
    assertThat(forecast.toString()).contains("Fits", "NO, ", "accumulate(4)");
  }

  @Test
  void aRunThatFitsNeedsNoRemedy() {
    DeviceProfile large = DeviceProfile.processor("large", 1e9, 1 << 30, 1e9).pricePerHour(3600);

    TrainingForecast forecast = training().estimate(large);

    assertThat(forecast.fits()).isTrue();
    assertThat(forecast.remedies()).isEmpty();
    assertThat(forecast.toString()).contains("Fits   yes, ", "Price");
  }

  @Test
  void whatCannotBeTrainedIsRefusedBeforehand() {
    assertThatThrownBy(() -> training().tuning(Lora.rank(1).targets("absent")).estimate())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("absent");
  }
}
