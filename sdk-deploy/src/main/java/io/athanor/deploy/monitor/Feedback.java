package io.athanor.deploy.monitor;

import java.util.Optional;

/**
 * What somebody says of an answer. Without a consent it only counts in the satisfaction, if it is
 * the first opinion of the answer, and nothing of it is kept.
 *
 * @param answer the answer's id
 * @param opinion what is said
 * @param consent of whom question, answer and opinion may be kept for learning; a pseudonym will do
 */
public record Feedback(String answer, Opinion opinion, Optional<String> consent) {
  /** Without a consent. */
  public static Feedback of(String answer, Opinion opinion) {
    return new Feedback(answer, opinion, Optional.empty());
  }

  /** The same with the consent of somebody, who can have it erased by this name. */
  public Feedback withConsentOf(String subject) {
    if (subject.isBlank()) {
      throw new IllegalArgumentException("subject must not be blank");
    }
    return new Feedback(answer, opinion, Optional.of(subject));
  }
}
