package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.data.Row;
import io.athanor.deploy.monitor.RecentAnswers.Exchange;
import org.junit.jupiter.api.Test;

class RecentAnswersTest {
  private static final Exchange SMALL = new Exchange("m", "1", Row.of("text", "hi"), "ham");

  /** A quarter of what is remembered. */
  private static final Exchange LARGE =
      new Exchange("m", "1", Row.of("text", "x".repeat(8_000_000)), "ham");

  private final RecentAnswers recent = new RecentAnswers();

  @Test
  void anAnswerInPlaceOfAnotherOfItsNameTakesNoMoreRoom() {
    recent.add("other", SMALL);
    for (int i = 0; i < 10; i++) {
      recent.add("same", LARGE);
    }
    assertThat(recent.find("other")).contains(SMALL);
    assertThat(recent.find("same")).contains(LARGE);
  }

  @Test
  void theOldestGiveWayToLargeOnes() {
    recent.add("old", SMALL);
    for (int i = 0; i < 5; i++) {
      recent.add("large " + i, LARGE);
    }
    assertThat(recent.find("old")).isEmpty();
    assertThat(recent.find("large 4")).contains(LARGE);
  }

  @Test
  void theFirstOpinionOfAnAnswerIsFirstOnce() {
    recent.add("a", SMALL);
    assertThat(recent.judge("a")).isTrue();
    assertThat(recent.judge("a")).isFalse();
    assertThat(recent.judge("unknown")).isFalse();
    recent.add("a", SMALL);
    assertThat(recent.judge("a")).as("of another answer").isTrue();
  }
}
