package io.athanor.model.format.gguf;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the metadata: keys, and values of thirteen types. Integers become {@link Long}, floats
 * {@link Float} or {@link Double}, arrays lists.
 */
final class MetadataReader {
  private static final int MAX_KEY = 65_535;
  private static final int MAX_TEXT = 64 << 20;
  private static final int MAX_ENTRIES = 65_536;
  private static final int MAX_ELEMENTS = 1 << 22;
  private static final int MAX_DEPTH = 4;

  /** The fewest bytes of a value, by type. */
  private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

  private final HeaderInput in;
  private int elementsLeft = MAX_ELEMENTS;

  MetadataReader(HeaderInput in) {
    this.in = in;
  }

  /**
   * @param entries how many follow
   */
  Map<String, Object> read(int entries) throws IOException {
    Map<String, Object> metadata = new LinkedHashMap<>();
    for (int i = 0; i < entries; i++) {
      String key = in.text("metadata key " + i, MAX_KEY);
      if (metadata.containsKey(key)) {
        throw in.fail("the metadata has '" + key + "' twice");
      }
      metadata.put(key, value("'" + key + "'", type(key), 0));
    }
    return Collections.unmodifiableMap(metadata);
  }

  static int maxEntries() {
    return MAX_ENTRIES;
  }

  /** The fewest bytes of an entry: the key's length, the type, and a value of one byte. */
  static int entryBytes() {
    return Long.BYTES + Integer.BYTES + 1;
  }

  private int type(String what) throws IOException {
    int type = in.i32("the type of " + what);
    if (type < 0 || type >= SIZES.length) {
      throw in.fail(
          what
              + " has the unknown value type "
              + Integer.toUnsignedString(type)
              + ", expected 0 to "
              + (SIZES.length - 1));
    }
    return type;
  }

  private Object value(String what, int type, int depth) throws IOException {
    return switch (type) {
      case 0 -> (long) in.u8(what);
      case 1 -> (long) (byte) in.u8(what);
      case 2 -> in.i16(what) & 0xffffL;
      case 3 -> (long) in.i16(what);
      case 4 -> in.i32(what) & 0xffffffffL;
      case 5 -> (long) in.i32(what);
      case 6 -> Float.intBitsToFloat(in.i32(what));
      case 7 -> flag(what);
      case 8 -> in.text(what, MAX_TEXT);
      case 9 -> array(what, depth);
      case 10 -> unsigned(what);
      case 11 -> in.i64(what);
      default -> Double.longBitsToDouble(in.i64(what));
    };
  }

  private boolean flag(String what) throws IOException {
    int value = in.u8(what);
    if (value > 1) {
      throw in.fail(what + " must be 0 or 1, got " + value);
    }
    return value == 1;
  }

  private long unsigned(String what) throws IOException {
    long value = in.i64(what);
    if (value < 0) {
      throw in.fail(what + " must be below 2^63, got " + Long.toUnsignedString(value));
    }
    return value;
  }

  private List<Object> array(String what, int depth) throws IOException {
    if (depth == MAX_DEPTH) {
      throw in.fail(what + " nests arrays deeper than " + MAX_DEPTH);
    }
    int type = type(what);
    int count = in.count("the number of elements of " + what, SIZES[type], elementsLeft);
    elementsLeft -= count;
    List<Object> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(value(what, type, depth + 1));
    }
    return Collections.unmodifiableList(values);
  }
}
