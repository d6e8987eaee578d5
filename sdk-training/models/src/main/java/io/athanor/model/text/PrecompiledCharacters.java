package io.athanor.model.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/**
 * The map of characters of a SentencePiece normalizer: the length of a double-array trie, the trie
 * as units of 32 bits, and the texts that it leads to, each ended by a zero.
 *
 * @see <a href="https://github.com/google/sentencepiece/blob/master/src/normalizer.h">The
 *     format</a>
 */
final class PrecompiledCharacters {
  private static final int MAXIMUM_UNITS = 1 << 20;

  private final ByteBuffer trie;
  private final byte[] texts;
  private final BitSet seen = new BitSet();
  private final Deque<Integer> open = new ArrayDeque<>();

  private PrecompiledCharacters(ByteBuffer trie, byte[] texts) {
    this.trie = trie;
    this.texts = texts;
  }

  /**
   * @param base64 of the map
   * @throws IllegalArgumentException if a look-up could leave the map; says why
   */
  static void check(String base64) {
    ByteBuffer map =
        ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
    if (map.remaining() < Integer.BYTES) {
      throw new IllegalArgumentException("expected at least 4 bytes, got " + map.remaining());
    }
    int size = map.getInt();
    if (size < Integer.BYTES || size % Integer.BYTES != 0 || size > map.remaining()) {
      throw new IllegalArgumentException(
          "a trie of " + Integer.toUnsignedString(size) + " bytes in " + map.remaining());
    }
    if (size / Integer.BYTES > MAXIMUM_UNITS) {
      throw new IllegalArgumentException("a trie of more than " + MAXIMUM_UNITS + " units");
    }
    ByteBuffer trie = map.slice(map.position(), size).order(ByteOrder.LITTLE_ENDIAN);
    byte[] texts = new byte[map.remaining() - size];
    map.get(map.position() + size, texts);
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("its texts are not UTF-8", e);
    }
    new PrecompiledCharacters(trie, texts).walk();
  }

  /** Goes everywhere that some text leads. */
  private void walk() {
    enter(offset(unit(0)));
    while (!open.isEmpty()) {
      int base = open.pop();
      for (int letter = 1; letter < 256; letter++) {
        int at = base ^ letter;
        int unit = unit(at);
        if ((unit & 0x800000ff) == letter) {
          int next = at ^ offset(unit);
          if ((unit >> 8 & 1) == 1) {
            requireText(unit(next) & 0x7fffffff);
          }
          enter(next);
        }
      }
    }
  }

  private void enter(int base) {
    unit(base);
    if (!seen.get(base)) {
      seen.set(base);
      open.push(base);
    }
  }

  private static int offset(int unit) {
    return unit >>> 10 << ((unit & 1 << 9) >>> 6);
  }

  private int unit(int at) {
    if (at < 0 || at >= trie.capacity() / Integer.BYTES) {
      throw new IllegalArgumentException("the trie leads out of itself");
    }
    return trie.getInt(at * Integer.BYTES);
  }

  private void requireText(int at) {
    if (at > texts.length || (at < texts.length && (texts[at] & 0xc0) == 0x80)) {
      throw new IllegalArgumentException("the trie leads to no text");
    }
  }
}
