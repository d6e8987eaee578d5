package io.athanor.registry.governance;

import java.util.regex.Pattern;

/** Names of models or aliases: one name, those with a beginning ({@code "mail-*"}), or all. */
public final class NamePattern {
  /** Stands for every name. */
  public static final String ANY = "*";

  private static final Pattern PATTERN = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}\\*?|\\*");

  private NamePattern() {}

  /**
   * Checks a pattern.
   *
   * @param parameter named in the error
   * @return the pattern
   * @throws IllegalArgumentException if it is none; says the rule
   */
  public static String require(String parameter, String pattern) {
    if (!PATTERN.matcher(pattern).matches()) {
      throw new IllegalArgumentException(
          parameter
              + " must be a name, the beginning of names followed by '*', or '*', got '"
              + pattern.replaceAll("\\p{Cntrl}", "?")
              + "'");
    }
    return pattern;
  }

  /** Whether a name is one of those a pattern is about. */
  public static boolean matches(String pattern, String name) {
    return pattern.endsWith(ANY)
        ? name.startsWith(pattern.substring(0, pattern.length() - 1))
        : name.equals(pattern);
  }
}
