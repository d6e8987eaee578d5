package io.athanor.api.registry;

import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a version's number promises its users.
 *
 * @param major rises when users must change something
 * @param minor rises when something is added
 * @param patch rises when something is mended
 * @param preRelease what makes it earlier than the version without it, for example {@code "rc.1"};
 *     may be empty
 * @see <a href="https://semver.org/spec/v2.0.0.html">Semantic Versioning 2.0.0</a>
 */
public record SemanticVersion(int major, int minor, int patch, String preRelease)
    implements Comparable<SemanticVersion> {
  private static final String NUMBER = "(0|[1-9]\\d{0,8})";
  private static final String IDENTIFIERS =
      "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*))*";
  private static final Pattern FORM =
      Pattern.compile(NUMBER + "\\." + NUMBER + "\\." + NUMBER + "(?:-(" + IDENTIFIERS + "))?");
  private static final int MAX_LENGTH = 100;

  public SemanticVersion {
    String text = major + "." + minor + "." + patch + suffix(preRelease);
    if (!isVersion(text)) {
      throw malformed(text);
    }
  }

  /**
   * Reads a version.
   *
   * @param text for example {@code "1.4.0"} or {@code "2.0.0-rc.1"}; build metadata is not allowed,
   *     as it would make versions that differ equal
   */
  public static SemanticVersion of(String text) {
    Matcher parts = FORM.matcher(text);
    if (text.length() > MAX_LENGTH || !parts.matches()) {
      throw malformed(text);
    }
    return new SemanticVersion(
        Integer.parseInt(parts.group(1)),
        Integer.parseInt(parts.group(2)),
        Integer.parseInt(parts.group(3)),
        parts.group(4) == null ? "" : parts.group(4));
  }

  private static boolean isVersion(String text) {
    return text.length() <= MAX_LENGTH && FORM.matcher(text).matches();
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "expected a semantic version like 1.4.0 or 2.0.0-rc.1, at most "
            + MAX_LENGTH
            + " characters, got '"
            + text
            + "'");
  }

  @Override
  public int compareTo(SemanticVersion other) {
    return Comparator.comparingInt(SemanticVersion::major)
        .thenComparingInt(SemanticVersion::minor)
        .thenComparingInt(SemanticVersion::patch)
        .thenComparing(SemanticVersion::preRelease, SemanticVersion::comparePreReleases)
        .compare(this, other);
  }

  private static int comparePreReleases(String one, String other) {
    if (one.isEmpty() || other.isEmpty()) {
      return Boolean.compare(one.isEmpty(), other.isEmpty());
    }
    List<String> left = List.of(one.split("\\.", -1));
    List<String> right = List.of(other.split("\\.", -1));
    for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
      int difference = compareIdentifiers(left.get(i), right.get(i));
      if (difference != 0) {
        return difference;
      }
    }
    return Integer.compare(left.size(), right.size());
  }

  /** Numbers come before words; a longer number without leading zeros is the greater one. */
  private static int compareIdentifiers(String one, String other) {
    boolean number = isNumber(one);
    if (number != isNumber(other)) {
      return number ? -1 : 1;
    }
    return number && one.length() != other.length()
        ? Integer.compare(one.length(), other.length())
        : one.compareTo(other);
  }

  private static boolean isNumber(String identifier) {
    return identifier.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static String suffix(String preRelease) {
    return preRelease.isEmpty() ? "" : "-" + preRelease;
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch + suffix(preRelease);
  }
}
