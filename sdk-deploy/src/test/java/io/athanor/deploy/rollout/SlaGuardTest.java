package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class SlaGuardTest {
  private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

  private final TestTime time = new TestTime();
  private final Meter meter = new Meter(time::nanos);
  private final Traffic traffic =
      new Traffic() {
        @Override
        public Readings candidate(Duration window) {
          return meter.last(window);
        }

        @Override
        public Readings champion(Duration window) {
          throw new AssertionError("nobody asked for the champion");
        }
      };

  private void requests(int count, Duration latency, boolean answered) {
    for (int i = 0; i < count; i++) {
      meter.begin();
      meter.end(latency.toNanos(), answered);
    }
  }

  @Test
  void aFewSlowRequestsAreChanceAndManyAreNot() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).p99(Duration.ofMillis(100));
    requests(999, Duration.ofMillis(20), true);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.GOOD);
    requests(12, Duration.ofMillis(300), true);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.UNDECIDED);
    requests(33, Duration.ofMillis(300), true);
    assertThat(guard.judge(traffic))
        .isEqualTo(Finding.bad("45 of 1044 requests took longer than 100 ms, p99 is 302 ms"));
  }

  @Test
  void threeFailuresInARowAreEnough() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).errorRate(0.01);
    requests(2, Duration.ofMillis(1), false);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.UNDECIDED);
    requests(1, Duration.ofMillis(1), false);
    assertThat(guard.judge(traffic))
        .isEqualTo(Finding.bad("3 of 3 requests failed, the limit is 1 %"));
  }

  @Test
  void oneFailureIsTooManyWhereNoneIsAllowed() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).errorRate(0);
    requests(1_000, Duration.ofMillis(1), true);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.GOOD);
    requests(1, Duration.ofMillis(1), false);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.BAD);
  }

  @Test
  void forgetsWhatIsOlderThanTheWindow() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).errorRate(0.1);
    requests(100, Duration.ofMillis(1), false);
    time.pass(Duration.ofSeconds(9));
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.BAD);
    time.pass(Duration.ofSeconds(1));
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.GOOD);
  }

  @Test
  void requestsWithoutAnEndAreSlow() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).p99(Duration.ofMillis(500));
    for (int i = 0; i < 5; i++) {
      meter.begin();
    }
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.GOOD);
    time.pass(Duration.ofSeconds(2));
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.BAD);
  }

  @Test
  void fewAnswersAreOnlyAProblemWhereMoreWasAskedFor() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS).throughput(10);
    requests(20, Duration.ofMillis(1), true);
    time.pass(TEN_SECONDS);
    assertThat(guard.judge(traffic).kind()).isEqualTo(Finding.Kind.GOOD);
    for (int i = 0; i < 110; i++) {
      meter.begin();
    }
    requests(50, Duration.ofMillis(1), true);
    assertThat(guard.judge(traffic))
        .isEqualTo(
            Finding.bad("50 of 160 requests were answered in 10 s, the limit is 10 per second"));
  }

  /** The bound against the probability itself, by adding up. */
  @Test
  void theBoundOnChanceIsNeverBelowTheProbability() {
    int compared = 0;
    for (int trials : new int[] {1, 5, 40, 300}) {
      for (double p : new double[] {0.01, 0.1, 0.4}) {
        for (int hits = (int) (p * trials) + 1; hits <= trials; hits++) {
          assertThat(SlaGuard.chance(hits, trials, p))
              .isGreaterThanOrEqualTo(tail(hits, trials, p) * (1 - 1e-9));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThan(800);
    assertThat(SlaGuard.chance(3, 3, 0.01)).isCloseTo(1e-6, Offset.offset(1e-12));
    assertThat(SlaGuard.chance(1, 10, 0)).isZero();
  }

  private static double tail(int hits, int trials, double p) {
    double logChoose = 0;
    double sum = 0;
    for (int k = 0; k <= trials; k++) {
      if (k >= hits) {
        sum += Math.exp(logChoose + k * Math.log(p) + (trials - k) * Math.log(1 - p));
      }
      logChoose += Math.log((double) (trials - k) / (k + 1));
    }
    return sum;
  }

  @Test
  void refusesLimitsThatAreNone() {
    SlaGuard guard = SlaGuard.over(TEN_SECONDS);
    assertThatThrownBy(() -> SlaGuard.over(Duration.ofMillis(500)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("window must be 1 to 60 s, got PT0.5S");
    assertThatThrownBy(() -> guard.p99(Duration.ZERO))
        .hasMessageContaining("limit must be above 0");
    assertThatThrownBy(() -> guard.errorRate(1)).hasMessage("limit must be 0 to below 1, got 1.0");
    assertThatThrownBy(() -> guard.throughput(0)).hasMessage("limit must be above 0, got 0.0");
  }
}
