package io.athanor.data.table;

import java.util.ArrayList;
import java.util.List;

/** Longs added at the end, eight bytes each: grows in blocks, so nothing is copied or wasted. */
final class LongSequence {
  private static final int BLOCK = 1 << 13;

  private final List<long[]> blocks = new ArrayList<>();
  private int size;

  void add(long value) {
    if (size == blocks.size() * BLOCK) {
      blocks.add(new long[BLOCK]);
    }
    blocks.get(size / BLOCK)[size % BLOCK] = value;
    size++;
  }

  long get(int index) {
    return blocks.get(index / BLOCK)[index % BLOCK];
  }

  int size() {
    return size;
  }
}
