package io.athanor.api.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.backend.MemoryEstimate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TrainingEstimateTest {
  private static final long MIB = 1 << 20;

  private static TrainingEstimate estimate(long activations) {
    return new TrainingEstimate(
        "mlp",
        1_000,
        600,
        Map.of("batch", 32L),
        640,
        20,
        3e9,
        60e9,
        5e9,
        3e6,
        new MemoryEstimate(4 * MIB, 2 * MIB, MIB, activations, 0, 0),
        3 * MIB);
  }

  private static DeviceProfile device() {
    return DeviceProfile.processor("desk", 10e9, 16 * MIB, 1e9).efficiency(0.5);
  }

  @Test
  void timeIsThatOfArithmeticOfTrafficAndOfBeginningOperations() {
    assertThat(estimate(0).duration(device())).isEqualTo(Duration.ofSeconds(12 + 5));
    assertThat(estimate(0).duration(device().secondsPerOperation(2e-6)))
        .isEqualTo(Duration.ofSeconds(12 + 5 + 6));
  }

  @Test
  void thePriceIsThatOfTheTime() {
    assertThat(estimate(0).price(device())).isEmpty();
    assertThat(estimate(0).price(device().pricePerHour(36)).getAsDouble())
        .isCloseTo(0.17, within(1e-9));
  }

  @Test
  void javaCountsOnlyWhereItSharesTheMemory() {
    DeviceProfile card = DeviceProfile.graphics("card", 1e12, 16 * MIB, 1e11);

    assertThat(estimate(MIB).bytesOn(device())).isEqualTo(11 * MIB);
    assertThat(estimate(MIB).bytesOn(card)).isEqualTo(8 * MIB);
    assertThat(estimate(8 * MIB).fits(device())).isFalse();
    assertThat(estimate(8 * MIB).fits(card)).isTrue();
  }

  @Test
  void theTableSaysWhatWouldMakeItFit() {
    TrainingForecast forecast =
        new TrainingForecast(
            estimate(8 * MIB),
            device().pricePerHour(36),
            List.of(new TrainingForecast.Remedy("accumulate(2)", estimate(4 * MIB))));

    assertThat(forecast.fits()).isFalse();
    assertThat(forecast.toString())
        .isEqualTo(
            """
            Training of mlp
            Parameters       1,000, 600 trained
            Rows, steps      640, 20
            Micro-batch      {batch=32}
            Operations       3.0 GFLOP a step, 60.0 GFLOP in all
            Memory           15.0 MiB
              parameters     4.0 MiB
              gradients      2.0 MiB
              optimizer      1.0 MiB
              activations    8.0 MiB
              working        0 B
              fragmentation  0 B
            Java besides     3.0 MiB
            On desk
            Fits           NO, 18.0 MiB of 16.0 MiB needed
            Time           17.0 s
            Price          0.17
            accumulate(2)  14.0 MiB, fits, 17.0 s
            """);
  }

  @Test
  void aDeviceThatCannotBeIsRefused() {
    assertThatThrownBy(() -> device().efficiency(1.1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("efficiency must be in (0, 1], got 1.1");
    assertThatThrownBy(() -> DeviceProfile.processor("none", 0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("flopsPerSecond must be above 0, got 0.0");
    assertThatThrownBy(() -> device().secondsPerOperation(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("secondsPerOperation must be at least 0, got -1.0");
    assertThatThrownBy(() -> device().memory(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("memory must be at least 1, got 0");
    assertThatThrownBy(() -> device().pricePerHour(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pricePerHour must be at least 0, got -1.0");
  }
}
