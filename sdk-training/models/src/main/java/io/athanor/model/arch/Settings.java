package io.athanor.model.arch;

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

  static int[] sizes(String name, int atLeast, int... values) {
    if (values.length < atLeast) {
      throw new IllegalArgumentException(name + " must have at least " + atLeast + " size");
    }
    for (int value : values) {
      atLeastOne(name, value);
    }
    return values.clone();
  }
}
