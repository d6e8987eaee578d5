package io.athanor.data.text;

import io.athanor.api.data.Tokenizer;
import java.util.Arrays;
import java.util.List;

/** How text becomes ids. Immutable and thread-safe. */
public final class Vocabulary {
  private static final String PROBE = "a";
  private static final int PROBE_LENGTH = 64;

  private final Tokenizer tokenizer;
  private final int[] prefix;
  private final int[] end;
  private final int contextLength;

  private Vocabulary(Tokenizer tokenizer, int[] prefix, int[] end, int contextLength) {
    this.tokenizer = tokenizer;
    this.prefix = prefix;
    this.end = end;
    this.contextLength = contextLength;
  }

  /**
   * What a model reads by.
   *
   * @param endIds ids that end what a model says; the first is put after texts
   * @param contextLength most tokens of a sequence, at least 2
   */
  public static Vocabulary of(Tokenizer tokenizer, List<Integer> endIds, int contextLength) {
    int[] end = endIds.isEmpty() ? new int[0] : new int[] {endIds.get(0)};
    return new Vocabulary(tokenizer, added(tokenizer)[0], end, contextLength);
  }

  /** The ids that end what a model says, by this rule; the first is put after texts. */
  public static List<Integer> endIds(Tokenizer tokenizer, EndToken rule, boolean conversations) {
    return rule.ids(tokenizer, added(tokenizer)[1], conversations);
  }

  /** What the tokenizer puts before and after a text, seen in what it does to one. */
  private static int[][] added(Tokenizer tokenizer) {
    int[] whole = tokenizer.encode(PROBE, PROBE_LENGTH);
    int[] plain = ids(tokenizer.tokenize(PROBE));
    for (int from = 0; plain.length > 0 && from + plain.length <= whole.length; from++) {
      int to = from + plain.length;
      if (Arrays.equals(whole, from, to, plain, 0, plain.length)) {
        return new int[][] {
          Arrays.copyOf(whole, from), Arrays.copyOfRange(whole, to, whole.length)
        };
      }
    }
    return new int[][] {{}, {}};
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** How many tokens begin every text. */
  int prefix() {
    return prefix.length;
  }

  int contextLength() {
    return contextLength;
  }

  static int[] ids(List<Tokenizer.Token> tokens) {
    int[] ids = new int[tokens.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens.get(i).id();
    }
    return ids;
  }

  /** The ids with those that end a text after them, unless it ends so already. */
  int[] ended(int[] ids) {
    int length = ids.length;
    if (end.length == 0 || (length > 0 && ids[length - 1] == end[0])) {
      return ids;
    }
    int[] ended = Arrays.copyOf(ids, length + 1);
    ended[length] = end[0];
    return ended;
  }

  /** The ids with those that begin a text before them, unless it begins so already. */
  int[] begun(int[] ids) {
    int length = Math.min(prefix.length, ids.length);
    if (length == prefix.length && Arrays.equals(prefix, 0, length, ids, 0, length)) {
      return ids;
    }
    int[] begun = Arrays.copyOf(prefix, prefix.length + ids.length);
    System.arraycopy(ids, 0, begun, prefix.length, ids.length);
    return begun;
  }
}
