package io.athanor.samples.badhouse.training;

import io.athanor.samples.badhouse.api.WellBuilt;
import io.athanor.samples.badhouse.eval.Evaluates;

final class TrainsAndEvaluates {
  final Evaluates neighbour = new Evaluates();
  final WellBuilt allowed = new WellBuilt();
}
