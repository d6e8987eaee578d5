package io.athanor.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.error.BackendException;
import io.athanor.model.generate.TokenLikelihood.Alternative;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final int DRAWS = 40_000;
  private static final double[] SHARES = {0.15, 0.5, 0.05, 0.3};
  private static final GenerationSettings DRAW =
      GenerationSettings.builder().temperature(1).seed(5).build();

  private static float[] logits(double... shares) {
    float[] logits = new float[shares.length];
    for (int i = 0; i < shares.length; i++) {
      logits[i] = (float) (Math.log(shares[i]) + 3);
    }
    return logits;
  }

  /** The shares of tokens in many draws. */
  private static double[] drawn(GenerationSettings settings, float[] logits) {
    Sampler sampler = new Sampler(settings, 0, new int[0]);
    double[] shares = new double[logits.length];
    for (int i = 0; i < DRAWS; i++) {
      shares[sampler.choose(logits)] += 1.0 / DRAWS;
    }
    return shares;
  }

  private static void assertShares(GenerationSettings settings, double... expected) {
    double[] shares = drawn(settings, logits(SHARES));
    for (int i = 0; i < expected.length; i++) {
      if (expected[i] == 0) {
        assertThat(shares[i]).as("share of token %d", i).isZero();
      }
      // Five standard deviations of a share over this many draws are at most 0.0125.
      assertThat(shares[i]).as("share of token %d", i).isCloseTo(expected[i], within(0.0125));
    }
  }

  @Test
  void withoutTemperatureTheLikeliestTokenIsTakenAndTheLowestIdOfSeveral() {
    Sampler sampler = new Sampler(GenerationSettings.greedy(), 0, new int[0]);
    assertThat(sampler.choose(new float[] {1, 3, 2, 3})).isEqualTo(1);
    assertThat(sampler.choose(new float[] {-5, -5})).isZero();
  }

  @Test
  void drawsFollowTheProbabilities() {
    assertShares(DRAW, SHARES);
  }

  @Test
  void temperatureRaisesProbabilitiesToItsInverse() {
    // Squares, and square roots, over their sums.
    double squares = 0.0225 + 0.25 + 0.0025 + 0.09;
    assertShares(
        DRAW.toBuilder().temperature(0.5).build(),
        0.0225 / squares,
        0.25 / squares,
        0.0025 / squares,
        0.09 / squares);
    assertShares(DRAW.toBuilder().temperature(2).build(), 0.2075, 0.3789, 0.1198, 0.2935);
  }

  @Test
  void topKLeavesTheLikeliest() {
    assertShares(DRAW.toBuilder().topK(2).build(), 0, 0.625, 0, 0.375);
    assertShares(DRAW.toBuilder().topK(1).build(), 0, 1, 0, 0);
    assertShares(DRAW.toBuilder().topK(99).build(), SHARES);
  }

  @Test
  void topKKeepsAllThatAreAsLikelyAsTheLast() {
    double[] shares = drawn(DRAW.toBuilder().topK(2).build(), logits(0.4, 0.25, 0.25, 0.1));
    assertThat(shares[2]).isCloseTo(0.25 / 0.9, within(0.0125));
    assertThat(shares[3]).isZero();
  }

  @Test
  void topPLeavesTheFewestThatReachTheShare() {
    assertShares(DRAW.toBuilder().topP(0.79).build(), 0, 0.625, 0, 0.375);
    assertShares(DRAW.toBuilder().topP(0.81).build(), 0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95);
    assertShares(DRAW.toBuilder().topP(0.01).build(), 0, 1, 0, 0);
  }

  @Test
  void temperatureComesBeforeTopP() {
    GenerationSettings nucleus = DRAW.toBuilder().topP(0.7).build();
    assertThat(drawn(nucleus, logits(SHARES))[0]).isZero();
    assertThat(drawn(nucleus.toBuilder().temperature(2).build(), logits(SHARES))[0]).isPositive();
  }

  @Test
  void topPCountsWhatTopKLeft() {
    // Of 0.5 and 0.3 the first is 62.5 %, which reaches 60 %.
    assertShares(DRAW.toBuilder().topK(2).topP(0.6).build(), 0, 1, 0, 0);
    assertShares(DRAW.toBuilder().topP(0.6).build(), 0, 0.625, 0, 0.375);
  }

  @Test
  void repetitionPenaltyDividesPositiveAndMultipliesNegativeLogits() {
    GenerationSettings settings = GenerationSettings.builder().repetitionPenalty(2).build();
    assertThat(new Sampler(settings, 0, new int[] {0}).choose(new float[] {2, 1.1f})).isEqualTo(1);
    assertThat(new Sampler(settings, 0, new int[] {0}).choose(new float[] {2, 0.9f})).isZero();
    assertThat(new Sampler(settings, 0, new int[] {0}).choose(new float[] {-1, -1.9f}))
        .isEqualTo(1);
    assertThat(new Sampler(settings, 0, new int[] {0}).choose(new float[] {-1, -2.1f})).isZero();
  }

  @Test
  void tokensChosenCountAsRepeated() {
    GenerationSettings settings = GenerationSettings.builder().repetitionPenalty(4).build();
    Sampler sampler = new Sampler(settings, 0, new int[0]);
    float[] logits = {3, 2, 1};
    assertThat(sampler.choose(logits)).isZero();
    assertThat(sampler.choose(logits)).isEqualTo(1);
    assertThat(sampler.choose(logits)).isEqualTo(2);
    assertThat(sampler.choose(logits)).isZero();
  }

  @Test
  void sameSeedAndRowDrawTheSameAndOtherRowsOthers() {
    assertThat(sequence(5, 0)).isEqualTo(sequence(5, 0));
    assertThat(sequence(5, 0)).isNotEqualTo(sequence(5, 1)).isNotEqualTo(sequence(6, 0));
  }

  private static String sequence(long seed, int row) {
    GenerationSettings settings = DRAW.toBuilder().seed(seed).build();
    Sampler sampler = new Sampler(settings, row, new int[0]);
    StringBuilder drawn = new StringBuilder();
    for (int i = 0; i < 50; i++) {
      drawn.append(sampler.choose(logits(SHARES)));
    }
    return drawn.toString();
  }

  @Test
  void logitsThatAreNotNumbersAreReported() {
    Sampler sampler = new Sampler(DRAW, 0, new int[0]);
    assertThatThrownBy(() -> sampler.choose(new float[] {1, Float.NaN}))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("token 1 is not a number");
  }

  @Test
  void likelihoodsAreTheModelsOwn() {
    GenerationSettings settings =
        GenerationSettings.builder().temperature(0.1).topK(1).alternatives(3).build();
    TokenLikelihood found =
        new Sampler(settings, 0, new int[] {1}).likelihood(logits(0.3, 0.1, 0.3, 0.1, 0.2), 4);
    assertThat(found.id()).isEqualTo(4);
    assertThat(found.logProbability()).isCloseTo(Math.log(0.2), within(1e-6));
    assertThat(found.alternatives()).extracting(Alternative::id).containsExactly(0, 2, 4);
    assertThat(found.alternatives().get(1).logProbability()).isCloseTo(Math.log(0.3), within(1e-6));
  }

  @Test
  void settingsOutOfRangeAreRefusedByName() {
    GenerationSettings.Builder builder = GenerationSettings.builder();
    assertThatThrownBy(() -> builder.temperature(-1)).hasMessageContaining("temperature");
    assertThatThrownBy(() -> builder.temperature(Double.NaN)).hasMessageContaining("temperature");
    assertThatThrownBy(() -> builder.topP(0)).hasMessageContaining("topP");
    assertThatThrownBy(() -> builder.topP(1.1)).hasMessageContaining("topP");
    assertThatThrownBy(() -> builder.topK(-1)).hasMessageContaining("topK");
    assertThatThrownBy(() -> builder.repetitionPenalty(0)).hasMessageContaining("repetition");
    assertThatThrownBy(() -> builder.maxNewTokens(0)).hasMessageContaining("maxNewTokens");
    assertThatThrownBy(() -> builder.stopAt("")).hasMessageContaining("stop");
  }
}
