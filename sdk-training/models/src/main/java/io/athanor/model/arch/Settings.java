package io.athanor.model.arch;

import java.util.Arrays;
import java.util.List;

/** Checks of settings that several architectures share. */
final class Settings {
  private Settings() {}

  static int atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, got " + value);
    }
    return value;
  }

  static double rate(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must be in [0, 1), got " + value);
    }
    return value;
  }

  static List<Integer> sizes(String name, int atLeast, int... values) {
    if (values.length < atLeast) {
      throw new IllegalArgumentException(name + " must have at least " + atLeast + " size");
    }
    return Arrays.stream(values).map(value -> atLeastOne(name, value)).boxed().toList();
  }
}
