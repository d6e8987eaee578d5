package io.athanor.api.registry;

import java.util.regex.Pattern;

/**
 * Which version of which model.
 *
 * @param name the model's name; see {@link #requireName}
 * @param number counted from 1 within the model; never used twice, not even after a deletion
 */
public record VersionId(String name, int number) implements Comparable<VersionId> {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");

  public VersionId {
    requireName("name", name);
    if (number < 1) {
      throw new IllegalArgumentException("number must be at least 1, got " + number);
    }
  }

  /** Whether {@link #requireName} accepts a name. */
  public static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * Checks the name of a model or of an alias. Such names are safe as file names and in addresses.
   *
   * @param parameter named in the error
   * @return the name
   * @throws IllegalArgumentException if the name breaks the rule; says the rule
   */
  public static String requireName(String parameter, String name) {
    if (!isName(name)) {
      throw new IllegalArgumentException(
          parameter
              + " must be 1 to 100 of the characters a-z, 0-9, '.', '_' and '-', and begin with a"
              + " letter or digit, got '"
              + name
              + "'");
    }
    return name;
  }

  @Override
  public int compareTo(VersionId other) {
    int names = name.compareTo(other.name);
    return names != 0 ? names : Integer.compare(number, other.number);
  }

  /** For example {@code "spam-filter:3"}. */
  @Override
  public String toString() {
    return name + ":" + number;
  }
}
