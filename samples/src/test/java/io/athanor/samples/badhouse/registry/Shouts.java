package io.athanor.samples.badhouse.registry;

final class Shouts {
  void shout() {
    System.out.println("here");
  }
}
