package io.athanor.samples.badhouse.registry;

final class ThrowsAnything {
  void fail() {
    throw new RuntimeException("anything");
  }
}
