package io.athanor.api.backend;

/** The rule by which gradients change weights. */
public sealed interface Optimizer {
  /**
   * Stochastic gradient descent with momentum: {@code v = momentum v + g + weightDecay w; w -= rate
   * v}.
   *
   * @param momentum in [0, 1)
   * @param weightDecay at least 0; on matrices only
   */
  record Sgd(double momentum, double weightDecay) implements Optimizer {
    public Sgd {
      range("momentum", momentum);
      atLeastZero("weightDecay", weightDecay);
    }
  }

  /**
   * Adam (Kingma and Ba 2015) with bias correction.
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root of the second moment, above 0
   */
  record Adam(double beta1, double beta2, double epsilon) implements Optimizer {
    public Adam {
      range("beta1", beta1);
      range("beta2", beta2);
      positive("epsilon", epsilon);
    }
  }

  /**
   * Adam with decoupled weight decay (Loshchilov and Hutter 2019): {@code w -= rate weightDecay w}
   * before the update, on matrices only.
   *
   * @param beta1 decay of the first moment, in [0, 1)
   * @param beta2 decay of the second moment, in [0, 1)
   * @param epsilon added to the root of the second moment, above 0
   * @param weightDecay at least 0
   */
  record AdamW(double beta1, double beta2, double epsilon, double weightDecay)
      implements Optimizer {
    public AdamW {
      range("beta1", beta1);
      range("beta2", beta2);
      positive("epsilon", epsilon);
      atLeastZero("weightDecay", weightDecay);
    }
  }

  static Optimizer sgd(double momentum) {
    return new Sgd(momentum, 0);
  }

  static Optimizer adam() {
    return new Adam(0.9, 0.999, 1e-8);
  }

  static Optimizer adamW(double weightDecay) {
    return new AdamW(0.9, 0.999, 1e-8, weightDecay);
  }

  private static void range(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must be in [0, 1), got " + value);
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, got " + value);
    }
  }

  private static void atLeastZero(String name, double value) {
    if (!(value >= 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be at least 0, got " + value);
    }
  }
}
