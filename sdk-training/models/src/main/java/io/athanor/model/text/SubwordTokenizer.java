package io.athanor.model.text;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Pieces of words: byte pairs, WordPiece or Unigram, as a {@code tokenizer.json} describes them.
 * The work is done by Hugging Face's own library, so the ids are those of the published model; its
 * native memory is released when this object is no longer reachable. Immutable and thread-safe.
 *
 * <p>Settings of the file for truncation, padding and dropout are left out, and half a surrogate
 * pair, which only Java's strings can hold, counts as U+FFFD. Places of tokens are those of the
 * library: a token that is a part of a character has the place of the character.
 */
public final class SubwordTokenizer implements Tokenizer {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String source;
  private final String json;
  private final TokenizerJson content;
  private final TokenizersLibrary library;
  private final long handle;

  private SubwordTokenizer(
      String source, String json, TokenizerJson content, TokenizersLibrary library, long handle) {
    this.source = source;
    this.json = json;
    this.content = content;
    this.library = library;
    this.handle = handle;
    CLEANER.register(this, new Release(library, handle));
  }

  /** Gives native memory back. */
  private record Release(TokenizersLibrary library, long handle) implements Runnable {
    @Override
    public void run() {
      library.deleteTokenizer(handle);
    }
  }

  /**
   * Reads the content of a {@code tokenizer.json}.
   *
   * @param source named in errors
   * @throws FormatException if it is not one
   * @throws UnsupportedException if there is no native library for this machine
   */
  public static SubwordTokenizer read(String source, String json) {
    TokenizerJson content = TokenizerJson.read(source, json);
    TokenizersLibrary library = TokenizersLibraryLoader.load();
    try {
      long handle = library.createTokenizerFromString(content.plain());
      return new SubwordTokenizer(source, json, content, library, handle);
    } catch (RuntimeException e) {
      throw new FormatException(source, "not a tokenizer.json: " + e.getMessage(), e);
    }
  }

  @Override
  public int[] encode(String text, int maximumLength) {
    if (maximumLength < 1) {
      throw new IllegalArgumentException("maximumLength must be at least 1, got " + maximumLength);
    }
    long encoding = encoding(wellFormed(text), true);
    try {
      long[] ids = library.getTokenIds(encoding);
      if (ids.length == 0) {
        return new int[] {content.unknown() != null ? content.unknown() : content.padding()};
      }
      return ids.length <= maximumLength
          ? narrowed(ids)
          : cut(narrowed(ids), library.getSpecialTokenMask(encoding), maximumLength);
    } finally {
      library.deleteEncoding(encoding);
    }
  }

  /** Takes ids away before the special ones that close the sequence. */
  private static int[] cut(int[] ids, long[] special, int length) {
    int closing = 0;
    while (closing < ids.length && special[ids.length - 1 - closing] == 1) {
      closing++;
    }
    int[] cut = Arrays.copyOf(ids, length);
    if (closing < length) {
      System.arraycopy(ids, ids.length - closing, cut, length - closing, closing);
    }
    return cut;
  }

  @Override
  public List<Token> tokenize(String text) {
    String clean = wellFormed(text);
    long encoding = encoding(clean, false);
    try {
      long[] ids = library.getTokenIds(encoding);
      CharSpan[] spans = library.getTokenCharSpans(encoding);
      int[] places = places(clean);
      List<Token> tokens = new ArrayList<>(ids.length);
      int before = 0;
      for (int i = 0; i < ids.length; i++) {
        int start = spans[i] == null ? before : places[spans[i].getStart()];
        int end = spans[i] == null ? before : places[spans[i].getEnd()];
        tokens.add(new Token(Math.toIntExact(ids[i]), start, end));
        before = end;
      }
      return tokens;
    } finally {
      library.deleteEncoding(encoding);
    }
  }

  private long encoding(String text, boolean special) {
    try {
      return library.encode(handle, text, special);
    } catch (RuntimeException e) {
      throw new FormatException(source, "cannot encode this text: " + e.getMessage(), e);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** For each character of the library, which is a code point, its place in Java's string. */
  private static int[] places(String text) {
    int[] places = new int[text.codePointCount(0, text.length()) + 1];
    int place = 0;
    for (int i = 0; i < places.length; i++) {
      places[i] = place;
      place += place < text.length() ? Character.charCount(text.codePointAt(place)) : 0;
    }
    return places;
  }

  static String wellFormed(String text) {
    StringBuilder clean = null;
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (Character.isSupplementaryCodePoint(text.codePointAt(i))) {
          i++;
        } else {
          clean = clean == null ? new StringBuilder(text) : clean;
          clean.setCharAt(i, '\uFFFD');
        }
      }
    }
    return clean == null ? text : clean.toString();
  }

  private static int[] narrowed(long[] ids) {
    int[] narrowed = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrowed[i] = Math.toIntExact(ids[i]);
    }
    return narrowed;
  }

  @Override
  public String decode(int[] ids) {
    long[] wide = Arrays.stream(ids).asLongStream().toArray();
    try {
      return library.decode(handle, wide, true);
    } catch (RuntimeException e) {
      throw new FormatException(source, "cannot decode these ids: " + e.getMessage(), e);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  @Override
  public OptionalInt id(String token) {
    Integer id = content.ids().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public int vocabularySize() {
    return content.size();
  }

  @Override
  public int paddingId() {
    return content.padding();
  }

  @Override
  public String json() {
    return json;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SubwordTokenizer that && json.equals(that.json);
  }

  @Override
  public int hashCode() {
    return json.hashCode();
  }
}
