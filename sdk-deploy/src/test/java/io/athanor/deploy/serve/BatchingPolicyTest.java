package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BatchingPolicyTest {
  private static final long MILLI = 1_000_000;
  private final BatchingPolicy policy = new BatchingPolicy(8, Duration.ofMillis(2), 100);

  @Test
  void lonelyCallerNeverWaits() {
    assertThat(policy.waitNanos(1, 0, 0, 0)).isZero();
    assertThat(policy.waitNanos(1, 0, 1, 0)).isZero();
  }

  @Test
  void waitsForAsManyAsCameLastTime() {
    assertThat(policy.waitNanos(1, 0, 5, 0)).isEqualTo(2 * MILLI);
    assertThat(policy.waitNanos(4, MILLI, 5, MILLI)).isEqualTo(MILLI);
    assertThat(policy.waitNanos(5, 0, 5, 0)).isZero();
  }

  @Test
  void neverWaitsLongerThanTheDelayOrForMoreThanABatch() {
    assertThat(policy.waitNanos(1, 2 * MILLI, 5, 0)).isZero();
    assertThat(policy.waitNanos(1, 3 * MILLI, 5, 0)).isZero();
    assertThat(policy.waitNanos(8, 0, 32, 0)).isZero();
  }

  @Test
  void companyOfLongAgoIsNotExpectedAgain() {
    assertThat(policy.waitNanos(1, 0, 5, 2 * MILLI)).isZero();
  }

  @Test
  void doesNotMakeMoreThanHalfOfABatchPadding() {
    assertThat(policy.admits(1, BatchingPolicy.cost(100), 300)).isTrue(); // 600 for 400
    assertThat(policy.admits(3, 300, 500)).isFalse(); // 2000 for 800
    assertThat(policy.admits(7, 7 * 16, 16)).isTrue();
    assertThat(policy.admits(8, 8 * 16, 16)).isFalse();
  }
}
