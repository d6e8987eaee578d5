package io.athanor.api.common;

/** A value that must not be printed; {@link #toString} gives stars. */
public final class Secret {
  private final String value;

  private Secret(String value) {
    this.value = value;
  }

  public static Secret of(String value) {
    return new Secret(value);
  }

  /** The value itself; keep it out of logs, messages and addresses. */
  public String reveal() {
    return value;
  }

  @Override
  public String toString() {
    return "********";
  }
}
