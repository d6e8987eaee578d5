package io.athanor.api.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class RopeScalingTest {
  private static final Offset<Double> EXACT = within(1e-12);

  @Test
  void withoutScalingPairsTurnGeometricallySlower() {
    assertThat(new SequenceOp.Rope(6, 1000).frequencies())
        .containsExactly(new double[] {1, 0.1, 0.01}, EXACT);
  }

  @Test
  void aFactorSlowsEveryPair() {
    assertThat(new SequenceOp.Rope(6, 1000, new RopeScaling.Linear(4)).frequencies())
        .containsExactly(new double[] {0.25, 0.025, 0.0025}, EXACT);
  }

  @Test
  void llamaKeepsShortWavesDividesLongOnesAndPassesBetween() {
    RopeScaling scaling = new RopeScaling.Llama3(8, 1, 4, 8192);
    double turn = 2 * Math.PI / 8192;

    assertThat(scaling.frequency(5 * turn, 10_000, 64)).isCloseTo(5 * turn, EXACT);
    assertThat(scaling.frequency(0.5 * turn, 10_000, 64)).isCloseTo(0.5 * turn / 8, EXACT);
    assertThat(scaling.frequency(2.5 * turn, 10_000, 64))
        .isCloseTo(2.5 * turn * (0.5 + 0.5 / 8), EXACT);
    assertThat(scaling.magnitude()).isEqualTo(1);
  }

  @Test
  void yarnKeepsThePairsThatTurnOftenAndDividesThoseThatTurnSeldom() {
    RopeScaling.Yarn scaling = new RopeScaling.Yarn(4, 1, 32, 4096, 1.25);
    double[] plain = new SequenceOp.Rope(64, 10_000).frequencies();
    double[] scaled = new SequenceOp.Rope(64, 10_000, scaling).frequencies();

    // Pair i turns 4096 plain[i] / 2 pi times: 32 turns at i = 10.47, one at i = 22.51.
    for (int i = 0; i <= 10; i++) {
      assertThat(scaled[i]).as("pair %d", i).isCloseTo(plain[i], EXACT);
    }
    for (int i = 23; i < 32; i++) {
      assertThat(scaled[i]).as("pair %d", i).isCloseTo(plain[i] / 4, EXACT);
    }
    double divided = (16.0 - 10) / (23 - 10);
    assertThat(scaled[16])
        .isCloseTo(plain[16] * (1 - divided) + plain[16] / 4 * divided, within(1e-10));
    assertThat(scaling.magnitude()).isEqualTo(1.25);
  }

  @Test
  void valuesOutOfRangeAreNamed() {
    refused("factor must be above 0, got 0.0", () -> new RopeScaling.Linear(0));
    refused("factor must be above 0, got NaN", () -> new RopeScaling.Linear(Double.NaN));
    refused("factor must be above 0, got -1.0", () -> new RopeScaling.Llama3(-1, 1, 4, 8));
    refused("lowFrequency must be above 0, got 0.0", () -> new RopeScaling.Llama3(8, 0, 4, 8));
    refused(
        "highFrequency must be above lowFrequency, got 1.0 and 1.0",
        () -> new RopeScaling.Llama3(8, 1, 1, 8));
    refused("originalLength must be above 0, got 0.0", () -> new RopeScaling.Llama3(8, 1, 4, 0));
    refused("factor must be at least 1, got 0.5", () -> new RopeScaling.Yarn(0.5, 1, 32, 8, 1));
    refused("slowTurns must be above 0, got 0.0", () -> new RopeScaling.Yarn(4, 0, 32, 8, 1));
    refused(
        "fastTurns must be above slowTurns, got 1.0 and 2.0",
        () -> new RopeScaling.Yarn(4, 2, 1, 8, 1));
    refused("originalLength must be above 0, got -8.0", () -> new RopeScaling.Yarn(4, 1, 2, -8, 1));
    refused(
        "magnitude must be above 0, got Infinity",
        () -> new RopeScaling.Yarn(4, 1, 2, 8, Double.POSITIVE_INFINITY));
  }

  private static void refused(String message, ThrowingCallable make) {
    assertThatThrownBy(make).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
