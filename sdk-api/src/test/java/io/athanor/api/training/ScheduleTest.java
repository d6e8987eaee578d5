package io.athanor.api.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.error.ValidationException;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  @Test
  void constantIsAlwaysOneAfterWarmUp() {
    Schedule schedule = Schedule.constant().warmUp(0.4);

    assertThat(factors(schedule, 10)).containsExactly(0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1);
  }

  @Test
  void linearFallsToNothing() {
    assertThat(factors(Schedule.linear(), 4)).containsExactly(1, 0.75, 0.5, 0.25);
    assertThat(factors(Schedule.linear().warmUp(0.5), 8))
        .containsExactly(0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25);
  }

  @Test
  void linearFallsToItsFloor() {
    assertThat(factors(new Schedule.Linear(0, 0.5), 4)).containsExactly(1, 0.875, 0.75, 0.625);
  }

  @Test
  void cosineFallsAlongHalfACosine() {
    double[] factors = factors(Schedule.cosine().warmUp(0.2), 10);

    assertThat(factors[0]).isEqualTo(0.5);
    assertThat(factors[1]).isEqualTo(1);
    assertThat(factors[2]).isEqualTo(1);
    assertThat(factors[4]).isCloseTo(0.8535533905932737, within(1e-15));
    assertThat(factors[6]).isCloseTo(0.5, within(1e-15));
    assertThat(factors[9]).isCloseTo(0.03806023374435663, within(1e-15));
  }

  @Test
  void refusesSharesOutsideOfZeroToOne() {
    assertThatThrownBy(() -> Schedule.cosine().warmUp(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("warmUp must be in [0, 1), got 1.0");
    assertThatThrownBy(() -> new Schedule.Linear(0, Double.NaN))
        .hasMessage("floor must be in [0, 1), got NaN");
  }

  @Test
  void aPlanScalesItsRate() {
    TrainingPlan plan =
        TrainingPlan.builder().learningRate(0.5).schedule(Schedule.linear()).build();

    assertThat(plan.learningRate(3, 4)).isEqualTo(0.25);
  }

  @Test
  void aPlanChecksEachSettingAtOnce() {
    TrainingPlan.Builder plan = TrainingPlan.builder();

    assertThatThrownBy(() -> plan.epochs(0)).hasMessage("epochs must be at least 1, got 0");
    assertThatThrownBy(() -> plan.learningRate(Double.POSITIVE_INFINITY))
        .hasMessage("learningRate must be above 0, got Infinity");
    assertThatThrownBy(() -> plan.clipNorm(-1)).hasMessage("clipNorm must be at least 0, got -1.0");
    assertThatThrownBy(() -> plan.monitor("f1"))
        .hasMessage(
            "metric must be one of [train.loss, validation.loss, validation.accuracy,"
                + " validation.perplexity], got 'f1'");
    assertThatThrownBy(() -> plan.batchSize(10).accumulate(4).build())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("batchSize must be a multiple of accumulate, got 10 and 4");
  }

  @Test
  void aPlanGoesThroughItsBuilderUnchanged() {
    TrainingPlan plan =
        TrainingPlan.builder()
            .epochs(9)
            .optimizer(Optimizer.sgd(0.9))
            .stopEarly("validation.accuracy", Patience.patience(2).minimumChange(0.1))
            .build();

    assertThat(plan.toBuilder().build()).isEqualTo(plan);
    assertThat(plan.toBuilder().seed(1).build()).isNotEqualTo(plan);
  }

  private static double[] factors(Schedule schedule, int steps) {
    double[] factors = new double[steps];
    for (int i = 0; i < steps; i++) {
      factors[i] = schedule.factor(i + 1, steps);
    }
    return factors;
  }
}
