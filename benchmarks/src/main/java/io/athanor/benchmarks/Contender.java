package io.athanor.benchmarks;

/** One way to train and to predict a {@link Workload}. */
interface Contender extends AutoCloseable {
  /** One optimizer step on a batch in Java memory; returns its loss. */
  double step();

  /** One prediction for a batch in Java memory; returns the first logit. */
  double predict();

  /** The number of trained numbers. */
  long parameters();

  @Override
  void close();
}
