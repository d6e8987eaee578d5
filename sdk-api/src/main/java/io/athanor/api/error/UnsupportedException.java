package io.athanor.api.error;

/** Something that the chosen backend, store or format cannot do; said before any work is done. */
public final class UnsupportedException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final String remedy;

  public UnsupportedException(String reason, String remedy) {
    super("Unsupported: " + reason + ". " + remedy, false);
    this.reason = reason;
    this.remedy = remedy;
  }

  /** Why it cannot be done. */
  public String reason() {
    return reason;
  }

  /** What to do instead. */
  public String remedy() {
    return remedy;
  }
}
