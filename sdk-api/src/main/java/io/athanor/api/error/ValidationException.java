package io.athanor.api.error;

import java.util.List;

/** Values that are wrong, or wrong together; lists every problem found, not only the first. */
public final class ValidationException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final List<String> problems;

  /**
   * @param what the thing that was checked, for example {@code "training plan"}
   * @param problems one sentence for each problem; at least one
   */
  public ValidationException(String what, List<String> problems) {
    super("Invalid " + what + ": " + String.join("; ", problems), false);
    this.problems = List.copyOf(problems);
  }

  /** The problems, one sentence each. */
  public List<String> problems() {
    return problems;
  }
}
