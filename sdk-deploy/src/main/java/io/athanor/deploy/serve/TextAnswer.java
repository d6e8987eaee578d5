package io.athanor.deploy.serve;

import io.athanor.model.generate.Generated;
import java.time.Duration;

/**
 * What a language model answers.
 *
 * @param model the model's name, or the adapter's if one was asked for
 * @param version of that
 * @param generated the text, why it ended, and how many tokens it took
 * @param latency from the call to the last token, waiting included
 */
public record TextAnswer(String model, String version, Generated generated, Duration latency) {
  /** What it says. */
  public String text() {
    return generated.text();
  }
}
