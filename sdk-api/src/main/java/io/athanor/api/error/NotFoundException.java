package io.athanor.api.error;

import java.util.Collection;
import java.util.List;

/** Something named that is not there; lists what is. */
public final class NotFoundException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final List<String> available;

  /**
   * @param what what was looked for, for example {@code "model 'spam-filter'"}
   * @param available the names that exist; may be empty
   * @param remedy how to fix it
   */
  public NotFoundException(String what, Collection<String> available, String remedy) {
    super(
        "No "
            + what
            + (available.isEmpty()
                ? "; there is none"
                : "; there is " + String.join(", ", available))
            + ". "
            + remedy,
        false);
    this.available = List.copyOf(available);
  }

  /** The names that exist. */
  public List<String> available() {
    return available;
  }
}
