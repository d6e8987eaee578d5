package io.athanor.registry.governance;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Identifiers that SPDX lists, which count in any case of letters. */
final class LicenceList {
  static final LicenceList LICENCES = read("spdx-licences.txt");
  static final LicenceList EXCEPTIONS = read("spdx-exceptions.txt");

  /** The list's spelling by the same in small letters. */
  private final Map<String, String> ids;

  private LicenceList(Map<String, String> ids) {
    this.ids = ids;
  }

  private static LicenceList read(String resource) {
    Map<String, String> ids = new TreeMap<>();
    try (InputStream in = LicenceList.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("The jar lacks its list " + resource);
      }
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.startsWith("-") ? line.substring(1) : line)
          .forEach(id -> ids.put(lower(id), id));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new LicenceList(ids);
  }

  int size() {
    return ids.size();
  }

  /** The identifier as the list spells it. */
  Optional<String> find(String id) {
    return Optional.ofNullable(ids.get(lower(id)));
  }

  /** The identifier that looks most like a text. */
  String nearest(String text) {
    String wanted = letters(text);
    return ids.values().stream()
        .min(
            Comparator.<String>comparingInt(id -> distance(wanted, letters(id)))
                .thenComparingInt(String::length))
        .orElseThrow();
  }

  private static String letters(String text) {
    return lower(text).replaceAll("[^a-z0-9]", "");
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** The fewest letters to insert, remove, replace, or swap with the next one. */
  private static int distance(String from, String to) {
    int[][] steps = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          steps[i][j] = i + j;
          continue;
        }
        int replaced = from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1;
        steps[i][j] =
            Math.min(
                steps[i - 1][j - 1] + replaced, Math.min(steps[i - 1][j], steps[i][j - 1]) + 1);
        boolean swapped =
            i > 1
                && j > 1
                && from.charAt(i - 1) == to.charAt(j - 2)
                && from.charAt(i - 2) == to.charAt(j - 1);
        if (swapped) {
          steps[i][j] = Math.min(steps[i][j], steps[i - 2][j - 2] + 1);
        }
      }
    }
    return steps[from.length()][to.length()];
  }
}
