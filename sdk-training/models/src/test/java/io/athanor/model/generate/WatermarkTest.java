package io.athanor.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.common.Secret;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.model.generate.WatermarkDetector.Detection;
import io.athanor.tck.fixture.TinyLanguageModels;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WatermarkTest {
  private static final Watermark MARK = Watermark.keyed(Secret.of("a key for these tests"));
  private static final WatermarkDetector DETECTOR = WatermarkDetector.of(MARK, new ByteTokenizer());
  private static final int LETTERS = 64;

  /** Says printable characters, all equally likely. */
  private static String said(GenerationSettings settings) {
    float[] logits = new float[ByteTokenizer.SIZE];
    java.util.Arrays.fill(logits, -50);
    java.util.Arrays.fill(logits, ' ', ' ' + LETTERS, 0);
    TextGenerator generator =
        new TextGenerator(
            TinyLanguageModels.groupedKeys(),
            new LanguageEncoding(
                new Task.Generation("text"),
                new ByteTokenizer(),
                512,
                List.of(ByteTokenizer.END),
                Optional.empty(),
                Map.of()),
            new ScriptedDecoder(row -> logits),
            () -> 0L);
    return generator.generate("Begin", settings).text();
  }

  private static GenerationSettings.Builder drawing(long seed) {
    return GenerationSettings.builder().temperature(1).seed(seed).maxNewTokens(200);
  }

  private static String random(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) (' ' + random.nextInt(LETTERS)));
    }
    return text.toString();
  }

  @Test
  void markedTextIsKnownAgainWithoutPromptAndModel() {
    for (int seed = 0; seed < 20; seed++) {
      Detection found = DETECTOR.detect(said(drawing(seed).watermark(MARK).build()));
      assertThat(found.scored()).isBetween(190, 198);
      // A quarter is green, and e^2 times as likely: 0.25 e^2 / (0.25 e^2 + 0.75) = 0.71 of 198.
      assertThat(found.green()).isBetween(110, 170);
      assertThat(found.marked(1e-9)).isTrue();
    }
  }

  @Test
  void textWithoutMarkOrOfAnotherKeyIsNotTakenForMarked() {
    Watermark other = Watermark.keyed(Secret.of("quite another secret"));
    for (int seed = 0; seed < 20; seed++) {
      assertThat(DETECTOR.detect(said(drawing(seed).build())).marked(1e-4)).isFalse();
      String foreign = said(drawing(seed).watermark(other).build());
      assertThat(DETECTOR.detect(foreign).marked(1e-4)).isFalse();
    }
  }

  @Test
  void shareOfFalseAlarmsIsNotAboveTheOneAskedFor() {
    SplittableRandom random = new SplittableRandom(11);
    int texts = 4_000;
    int alarms = 0;
    for (int i = 0; i < texts; i++) {
      alarms += DETECTOR.detect(random(random, 60 + i % 100)).marked(0.05) ? 1 : 0;
    }
    // Counts are whole numbers, so the exact test stays below its level; 0.06 is 3 deviations up.
    assertThat(alarms / (double) texts).isBetween(0.015, 0.06);
  }

  @Test
  void repetitionIsNoEvidence() {
    String once = random(new SplittableRandom(3), 40);
    Detection single = DETECTOR.detect(once + once.substring(0, 2));
    Detection often = DETECTOR.detect(once.repeat(50));
    assertThat(often.scored()).isEqualTo(single.scored()).isBetween(38, 40);
    assertThat(often.green()).isEqualTo(single.green());
  }

  @Test
  void markWorksWithoutTemperatureAndIsTheSameEachTime() {
    GenerationSettings greedy =
        GenerationSettings.builder().maxNewTokens(200).watermark(MARK).build();
    String text = said(greedy);
    assertThat(text).isEqualTo(said(greedy));
    Detection found = DETECTOR.detect(text);
    assertThat(found.green()).isEqualTo(found.scored());
  }

  @Test
  void probabilitiesAreThoseOfTheBinomialDistribution() {
    // From the table of the binomial distribution with 10 trials and chance 0.25.
    assertThat(WatermarkDetector.atLeast(0, 10, 0.25)).isCloseTo(1, within(1e-12));
    assertThat(WatermarkDetector.atLeast(4, 10, 0.25)).isCloseTo(0.2241249, within(1e-7));
    assertThat(WatermarkDetector.atLeast(10, 10, 0.25))
        .isCloseTo(Math.pow(0.25, 10), within(1e-16));
    assertThat(WatermarkDetector.atLeast(0, 0, 0.25)).isEqualTo(1);
  }

  @Test
  void textTooShortToTellHasTheProbabilityOne() {
    assertThat(DETECTOR.detect("")).isEqualTo(new Detection(0, 0, 1));
    assertThat(DETECTOR.detect("ab")).isEqualTo(new Detection(0, 0, 1));
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> Watermark.keyed(Secret.of("short")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("key must have at least 16 bytes, got 5");
    assertThatThrownBy(() -> MARK.greenShare(1))
        .hasMessage("greenShare must be in (0, 1), got 1.0");
    assertThatThrownBy(() -> MARK.strength(0)).hasMessage("strength must be above 0, got 0.0");
    assertThatThrownBy(() -> new Detection(1, 1, 0.2).marked(0))
        .hasMessage("falsePositives must be in (0, 1), got 0.0");
  }
}
