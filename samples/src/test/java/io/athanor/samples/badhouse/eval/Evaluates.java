package io.athanor.samples.badhouse.eval;

import io.athanor.samples.badhouse.eval.metric.LooksBack;

public final class Evaluates {
  LooksBack room() {
    return new LooksBack();
  }
}
