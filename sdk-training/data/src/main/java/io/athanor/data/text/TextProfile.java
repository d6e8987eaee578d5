package io.athanor.data.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What became of rows of text; {@link #toString} says it in a sentence.
 *
 * @param rows how many were read
 * @param sequences how many they gave; a long document gives several
 * @param tokens how many those have together
 * @param targets how many of the tokens are learned
 * @param longest tokens of the longest row before it was cut
 * @param cut rows that were longer than the context, and lost a part
 * @param tooLong rows left out, as what must be kept of them does not fit into the context
 * @param empty rows left out, as they have no token to learn
 */
public record TextProfile(
    long rows,
    long sequences,
    long tokens,
    long targets,
    int longest,
    long cut,
    long tooLong,
    long empty) {
  static final TextProfile NONE = new TextProfile(0, 0, 0, 0, 0, 0, 0, 0);

  /** Both together. */
  public TextProfile plus(TextProfile other) {
    return new TextProfile(
        rows + other.rows,
        sequences + other.sequences,
        tokens + other.tokens,
        targets + other.targets,
        Math.max(longest, other.longest),
        cut + other.cut,
        tooLong + other.tooLong,
        empty + other.empty);
  }

  /** This and one more row. */
  TextProfile plus(Example example) {
    long more = 0;
    long ids = 0;
    long learned = 0;
    for (List<Sequence> item : example.items()) {
      for (Sequence sequence : item) {
        more++;
        ids += sequence.length();
        learned += sequence.targets();
      }
    }
    return plus(
        new TextProfile(
            1,
            more,
            ids,
            learned,
            example.tokens(),
            example.fit() == Example.Fit.CUT ? 1 : 0,
            example.fit() == Example.Fit.TOO_LONG ? 1 : 0,
            example.fit() == Example.Fit.EMPTY ? 1 : 0));
  }

  @Override
  public String toString() {
    List<String> losses = new ArrayList<>();
    if (cut > 0) {
      losses.add(cut + " rows cut");
    }
    if (tooLong > 0) {
      losses.add(tooLong + " left out as too long");
    }
    if (empty > 0) {
      losses.add(empty + " left out with nothing to learn");
    }
    return String.format(
        Locale.ROOT,
        "%d rows, %d sequences, %d tokens, %d of them learned, longest row %d%s",
        rows,
        sequences,
        tokens,
        targets,
        longest,
        losses.isEmpty() ? "" : "; " + String.join(", ", losses));
  }
}
