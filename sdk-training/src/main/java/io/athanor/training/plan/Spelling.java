package io.athanor.training.plan;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds what may have been meant by a name that is not known. */
public final class Spelling {
  private Spelling() {}

  /**
   * The known name that is closest, if it differs by at most two letters or a third of them,
   * without regard to case or separators.
   */
  public static Optional<String> closest(String name, Collection<String> known) {
    return known.stream()
        .min(Comparator.comparingInt(other -> distance(name, other)))
        .filter(other -> distance(name, other) <= Math.max(2, name.length() / 3));
  }

  /** Levenshtein's edit distance. */
  private static int distance(String a, String b) {
    String from = a.toLowerCase(Locale.ROOT).replaceAll("[-_ ]", "");
    String to = b.toLowerCase(Locale.ROOT).replaceAll("[-_ ]", "");
    int[] row = new int[to.length() + 1];
    Arrays.setAll(row, i -> i);
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
