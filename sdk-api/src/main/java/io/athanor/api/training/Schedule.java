package io.athanor.api.training;

/**
 * How the learning rate changes over a run: a factor in [0, 1] for each optimizer step. During
 * warm-up it rises in a straight line, {@code step / warmUpSteps}; after that each kind has its own
 * course.
 */
public sealed interface Schedule {
  /** The kinds of schedules. */
  enum Kind {
    CONSTANT,
    LINEAR,
    COSINE
  }

  /** Which of the kinds this is. */
  Kind kind();

  /** Share of all steps in which the rate rises, in [0, 1). */
  double warmUp();

  /** This schedule with a warm-up over a share of all steps, in [0, 1). */
  Schedule warmUp(double share);

  /** The factor after warm-up, for progress in [0, 1). */
  double afterWarmUp(double progress);

  /**
   * The factor for a step.
   *
   * @param step counted from 1
   * @param totalSteps of the whole run, at least {@code step}
   */
  default double factor(long step, long totalSteps) {
    long warmUpSteps = Math.round(warmUp() * totalSteps);
    if (step <= warmUpSteps) {
      return (double) step / warmUpSteps;
    }
    return afterWarmUp((double) (step - 1 - warmUpSteps) / (totalSteps - warmUpSteps));
  }

  /**
   * Always the full rate.
   *
   * @param warmUp share of all steps in which the rate rises, in [0, 1)
   */
  record Constant(double warmUp) implements Schedule {
    public Constant {
      requireShare("warmUp", warmUp);
    }

    @Override
    public Kind kind() {
      return Kind.CONSTANT;
    }

    @Override
    public Constant warmUp(double share) {
      return new Constant(share);
    }

    @Override
    public double afterWarmUp(double progress) {
      return 1;
    }
  }

  /**
   * Falls in a straight line: {@code 1 - (1 - floor) progress}.
   *
   * @param warmUp share of all steps in which the rate rises, in [0, 1)
   * @param floor the factor it falls to, in [0, 1)
   */
  record Linear(double warmUp, double floor) implements Schedule {
    public Linear {
      requireShare("warmUp", warmUp);
      requireShare("floor", floor);
    }

    @Override
    public Kind kind() {
      return Kind.LINEAR;
    }

    @Override
    public Linear warmUp(double share) {
      return new Linear(share, floor);
    }

    @Override
    public double afterWarmUp(double progress) {
      return 1 - (1 - floor) * progress;
    }
  }

  /**
   * Falls along half a cosine (Loshchilov and Hutter 2017, without restarts): {@code floor + (1 -
   * floor) (1 + cos(pi progress)) / 2}.
   *
   * @param warmUp share of all steps in which the rate rises, in [0, 1)
   * @param floor the factor it falls to, in [0, 1)
   */
  record Cosine(double warmUp, double floor) implements Schedule {
    public Cosine {
      requireShare("warmUp", warmUp);
      requireShare("floor", floor);
    }

    @Override
    public Kind kind() {
      return Kind.COSINE;
    }

    @Override
    public Cosine warmUp(double share) {
      return new Cosine(share, floor);
    }

    @Override
    public double afterWarmUp(double progress) {
      // StrictMath, so that every machine computes the same rate.
      return floor + (1 - floor) * (1 + StrictMath.cos(Math.PI * progress)) / 2;
    }
  }

  /** Always the full rate. */
  static Schedule constant() {
    return new Constant(0);
  }

  /** From the full rate to nothing in a straight line. */
  static Schedule linear() {
    return new Linear(0, 0);
  }

  /** From the full rate to nothing along half a cosine. */
  static Schedule cosine() {
    return new Cosine(0, 0);
  }

  private static void requireShare(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must be in [0, 1), got " + value);
    }
  }
}
