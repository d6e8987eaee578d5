package io.athanor.api.error;

import java.util.List;

/**
 * Values that are wrong, or wrong together; knows every problem found, of which the message names
 * the first few.
 */
public final class ValidationException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private static final int MOST_IN_MESSAGE = 12;

  private final List<String> problems;

  /**
   * @param what the thing that was checked, for example {@code "training plan"}
   * @param problems one sentence for each problem; at least one
   */
  public ValidationException(String what, List<String> problems) {
    super("Invalid " + what + ": " + sentence(problems), false);
    this.problems = List.copyOf(problems);
  }

  private static String sentence(List<String> problems) {
    int more = problems.size() - MOST_IN_MESSAGE;
    return more <= 0
        ? String.join("; ", problems)
        : String.join("; ", problems.subList(0, MOST_IN_MESSAGE)) + "; and " + more + " more";
  }

  /** The problems, one sentence each. */
  public List<String> problems() {
    return problems;
  }
}
