package io.athanor.deploy.monitor;

import io.athanor.api.data.Row;
import java.time.Instant;

/**
 * An opinion of an answer together with what was asked, kept with the consent of the person it
 * belongs to.
 *
 * @param answer the answer's id
 * @param at when it was given
 * @param model the model's name
 * @param version the model's version
 * @param subject who consented, and can have it erased; a pseudonym will do
 * @param row what was asked
 * @param predicted the answer: a label or text ({@link String}) or a number ({@link Double})
 * @param opinion what was said of it
 */
public record FeedbackEntry(
    String answer,
    Instant at,
    String model,
    String version,
    String subject,
    Row row,
    Object predicted,
    Opinion opinion) {
  public FeedbackEntry {
    if (subject.isBlank()) {
      throw new IllegalArgumentException("subject must not be blank");
    }
    if (!(predicted instanceof String) && !(predicted instanceof Double)) {
      throw new IllegalArgumentException("predicted must be a text or a double");
    }
  }
}
