package io.athanor.samples.badhouse.training;

import io.athanor.samples.badhouse.backend.djl.Engine;

final class TiedToAnEngine {
  final Engine engine = new Engine();
}
