package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.eval.Outcomes;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CalibrationTest {
  @Test
  void findsTheTemperatureThatMadeTheLogitsTooSharp() {
    assertThat(Calibration.temperature(outcomes(2.5))).isCloseTo(2.5, within(0.15));
  }

  @Test
  void findsTheTemperatureThatMadeTheLogitsTooFlat() {
    assertThat(Calibration.temperature(outcomes(0.4))).isCloseTo(0.4, within(0.04));
  }

  @Test
  void leavesHonestProbabilitiesAlone() {
    assertThat(Calibration.temperature(outcomes(1))).isCloseTo(1, within(0.06));
  }

  @Test
  void staysBoundedWhenEveryRowIsRightAndCertain() {
    Outcomes.Labels perfect =
        new Outcomes.Labels(List.of("a", "b"), new int[] {0, 1}, new float[] {1, 0, 0, 1});

    assertThat(Calibration.temperature(perfect)).isBetween(0.04, 20.1);
  }

  /** Labels drawn from softmax(z), probabilities reported as softmax(z times sharpness). */
  private static Outcomes.Labels outcomes(double sharpness) {
    SplittableRandom random = new SplittableRandom(7);
    int rows = 6_000;
    int[] actual = new int[rows];
    float[] probabilities = new float[rows * 2];
    for (int row = 0; row < rows; row++) {
      double z = 2 * random.nextGaussian();
      actual[row] = random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
      double reported = 1 / (1 + Math.exp(-z * sharpness));
      probabilities[row * 2] = (float) (1 - reported);
      probabilities[row * 2 + 1] = (float) reported;
    }
    return new Outcomes.Labels(List.of("no", "yes"), actual, probabilities);
  }
}
