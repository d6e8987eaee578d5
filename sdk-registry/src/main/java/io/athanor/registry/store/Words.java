package io.athanor.registry.store;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Words to search by: letters and digits without case and accents. */
final class Words {
  private static final Pattern MARKS = Pattern.compile("\\p{M}+");
  private static final Pattern BETWEEN = Pattern.compile("[^\\p{L}\\p{N}]+");

  /** The tables take no longer ones. */
  private static final int LONGEST = 64;

  private Words() {}

  /** The words of a text, each once, in their order; the last word of the text is the last one. */
  static List<String> of(String text) {
    String plain = MARKS.matcher(Normalizer.normalize(text, Normalizer.Form.NFKD)).replaceAll("");
    Set<String> words = new LinkedHashSet<>();
    for (String word : BETWEEN.split(plain.toLowerCase(Locale.ROOT))) {
      if (!word.isEmpty()) {
        int length = word.codePointCount(0, word.length());
        String kept =
            length > LONGEST ? word.substring(0, word.offsetByCodePoints(0, LONGEST)) : word;
        words.remove(kept);
        words.add(kept);
      }
    }
    return new ArrayList<>(words);
  }
}
