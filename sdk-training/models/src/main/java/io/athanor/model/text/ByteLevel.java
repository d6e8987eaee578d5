package io.athanor.model.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Text as bytes that can be seen, cut at words: the first step of byte-level vocabularies. */
final class ByteLevel {
  /**
   * Cuts before words, numbers and signs, each with the space before it.
   *
   * @see <a href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">GPT-2's encoder</a>
   */
  private static final Pattern PIECES =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final char[] VISIBLE = visible();

  private ByteLevel() {}

  /** The letter for each byte: itself where it can be seen, otherwise one from U+0100 on. */
  private static char[] visible() {
    char[] letters = new char[256];
    int hidden = 256;
    for (int b = 0; b < letters.length; b++) {
      boolean seen = (b > ' ' && b <= '~') || (b > 0xA0 && b != 0xAD);
      letters[b] = seen ? (char) b : (char) hidden++;
    }
    return letters;
  }

  /** All letters in the order of their code. */
  static char[] alphabet() {
    char[] alphabet = VISIBLE.clone();
    Arrays.sort(alphabet);
    return alphabet;
  }

  /** Gives each piece of a text. */
  static void pieces(String text, Consumer<String> consumer) {
    Matcher matcher = PIECES.matcher(SubwordTokenizer.wellFormed(text));
    while (matcher.find()) {
      consumer.accept(matcher.group());
    }
  }

  /** The bytes of a piece in UTF-8, each as its letter. */
  static String letters(String piece) {
    byte[] bytes = piece.getBytes(StandardCharsets.UTF_8);
    StringBuilder letters = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      letters.append(VISIBLE[b & 0xFF]);
    }
    return letters.toString();
  }
}
