package io.athanor.samples.badhouse.eval.metric;

import io.athanor.samples.badhouse.eval.Evaluates;

/** A room that uses its front door, which closes a cycle of packages. */
public final class LooksBack {
  Evaluates frontDoor() {
    return new Evaluates();
  }
}
