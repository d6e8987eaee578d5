package io.athanor.api.graph;

/** How a parameter gets its first values. */
public sealed interface Initializer {
  /**
   * Every element the same.
   *
   * @param value the element, finite
   */
  record Constant(double value) implements Initializer {
    public Constant {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("value must be finite, got " + value);
      }
    }
  }

  /**
   * Normal distribution around zero.
   *
   * @param deviation standard deviation, at least 0
   */
  record Normal(double deviation) implements Initializer {
    public Normal {
      if (!(deviation >= 0) || !Double.isFinite(deviation)) {
        throw new IllegalArgumentException("deviation must be at least 0, got " + deviation);
      }
    }
  }

  /**
   * Uniform distribution on [-bound, bound].
   *
   * @param bound at least 0
   */
  record Uniform(double bound) implements Initializer {
    public Uniform {
      if (!(bound >= 0) || !Double.isFinite(bound)) {
        throw new IllegalArgumentException("bound must be at least 0, got " + bound);
      }
    }
  }

  Initializer ZEROS = new Constant(0);
  Initializer ONES = new Constant(1);

  /** Glorot and Bengio 2010: uniform with variance 2 / (fanIn + fanOut). */
  static Initializer xavier(long fanIn, long fanOut) {
    return new Uniform(Math.sqrt(6.0 / (fanIn + fanOut)));
  }

  /** He et al. 2015 for rectifiers: normal with variance 2 / fanIn. */
  static Initializer he(long fanIn) {
    return new Normal(Math.sqrt(2.0 / fanIn));
  }
}
