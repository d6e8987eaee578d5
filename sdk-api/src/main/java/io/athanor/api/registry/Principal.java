package io.athanor.api.registry;

/**
 * Who does something: a person or a program.
 *
 * @param name not blank, without control characters, at most 200 characters
 */
public record Principal(String name) {
  private static final int MAX_LENGTH = 200;

  public Principal {
    if (name.isBlank()
        || name.length() > MAX_LENGTH
        || name.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          "name must have 1 to "
              + MAX_LENGTH
              + " characters and no control characters, got '"
              + name.replaceAll("\\p{Cntrl}", "?")
              + "'");
    }
  }

  /** The account this process runs under. */
  public static Principal ofProcess() {
    String account = System.getProperty("user.name", "");
    return new Principal(account.isBlank() ? "unknown" : account);
  }

  @Override
  public String toString() {
    return name;
  }
}
