package io.athanor.data;

import io.athanor.api.data.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * One token for each character, whose id is the character's number; {@code </s>} written in a text
 * is one token as well.
 *
 * @param prefix ids before every encoded text
 * @param suffix ids after every encoded text
 */
record CharTokenizer(List<Integer> prefix, List<Integer> suffix) implements Tokenizer {
  static final int PADDING = 0;
  static final int BEGIN = 1;
  static final int END = 2;
  static final String END_TOKEN = "</s>";

  static CharTokenizer plain() {
    return new CharTokenizer(List.of(), List.of());
  }

  static CharTokenizer beginning() {
    return new CharTokenizer(List.of(BEGIN), List.of());
  }

  @Override
  public int[] encode(String text, int maximumLength) {
    List<Integer> ids = new ArrayList<>(prefix);
    tokenize(text).stream()
        .limit(Math.max(0, maximumLength - prefix.size() - suffix.size()))
        .forEach(token -> ids.add(token.id()));
    ids.addAll(suffix);
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  @Override
  public List<Token> tokenize(String text) {
    List<Token> tokens = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      boolean end = text.startsWith(END_TOKEN, at);
      int length = end ? END_TOKEN.length() : 1;
      tokens.add(new Token(end ? END : text.charAt(at), at, at + length));
      at += length;
    }
    return tokens;
  }

  @Override
  public String decode(int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      if (id > END) {
        text.append((char) id);
      }
    }
    return text.toString();
  }

  @Override
  public OptionalInt id(String token) {
    if (token.equals(END_TOKEN)) {
      return OptionalInt.of(END);
    }
    return token.length() == 1 ? OptionalInt.of(token.charAt(0)) : OptionalInt.empty();
  }

  @Override
  public int vocabularySize() {
    return 128;
  }

  @Override
  public int paddingId() {
    return PADDING;
  }

  @Override
  public String json() {
    return "characters " + prefix + suffix;
  }
}
