package io.athanor.deploy.safety;

import java.util.Optional;

/**
 * A passage that a filter objects to.
 *
 * @param start index of its first {@code char}
 * @param end index after its last {@code char}, above the start
 * @param rule which rule it breaks, for people; does not quote the text
 * @param replacement what may stand in its place; absent to refuse the whole text
 */
public record FilterMatch(int start, int end, String rule, Optional<String> replacement) {
  public FilterMatch {
    if (start < 0 || end <= start) {
      throw new IllegalArgumentException(
          "a match must have a character, got start " + start + " and end " + end);
    }
  }

  boolean refuses() {
    return replacement.isEmpty();
  }
}
