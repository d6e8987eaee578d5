package io.athanor.samples.badhouse.registry;

final class Counts {
  static int calls;
}
