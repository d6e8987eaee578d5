package io.athanor.data.text;

import java.util.Arrays;

/** Ints added at the end. */
final class Ints {
  private int[] values;
  private int size;

  Ints(int capacity) {
    values = new int[Math.max(capacity, 8)];
  }

  void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size + (size >> 1));
    }
    values[size++] = value;
  }

  void addAll(int[] more) {
    for (int value : more) {
      add(value);
    }
  }

  int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
