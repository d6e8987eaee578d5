package io.athanor.api.graph;

/**
 * How rotary embeddings reach further than a model was first trained to. Each changes the angular
 * speeds that {@link SequenceOp.Rope} turns by.
 */
public sealed interface RopeScaling {
  /** The speed at which a pair turns, given its unscaled speed. */
  double frequency(double unscaled, double base, int headSize);

  /** A factor on cosine and sine. */
  default double magnitude() {
    return 1;
  }

  /** As first trained. */
  record None() implements RopeScaling {
    @Override
    public double frequency(double unscaled, double base, int headSize) {
      return unscaled;
    }
  }

  /**
   * All positions divided by a factor (Chen et al. 2023).
   *
   * @param factor above 0
   */
  record Linear(double factor) implements RopeScaling {
    public Linear {
      positive("factor", factor);
    }

    @Override
    public double frequency(double unscaled, double base, int headSize) {
      return unscaled / factor;
    }
  }

  /**
   * Long waves divided by a factor, short ones kept, a smooth passage between, as Llama 3.1 does.
   *
   * @param factor above 0
   * @param lowFrequency waves longer than {@code originalLength / lowFrequency} are divided
   * @param highFrequency waves shorter than {@code originalLength / highFrequency} are kept; above
   *     lowFrequency
   * @param originalLength positions of the first training
   */
  record Llama3(double factor, double lowFrequency, double highFrequency, long originalLength)
      implements RopeScaling {
    public Llama3 {
      positive("factor", factor);
      positive("lowFrequency", lowFrequency);
      positive("originalLength", (double) originalLength);
      if (!(highFrequency > lowFrequency) || !Double.isFinite(highFrequency)) {
        throw new IllegalArgumentException(
            "highFrequency must be above lowFrequency, got "
                + highFrequency
                + " and "
                + lowFrequency);
      }
    }

    @Override
    public double frequency(double unscaled, double base, int headSize) {
      double turns = originalLength * unscaled / (2 * Math.PI);
      double kept = (turns - lowFrequency) / (highFrequency - lowFrequency);
      double share = Math.max(0, Math.min(1, kept));
      return unscaled * (share + (1 - share) / factor);
    }
  }

  /**
   * YaRN (Peng et al. 2023): pairs that turn often keep their speed, those that turn seldom are
   * divided by a factor, with a linear passage by the index of the pair.
   *
   * @param factor at least 1
   * @param slowTurns pairs with fewer turns over the original length are divided
   * @param fastTurns pairs with more turns are kept; above slowTurns
   * @param originalLength positions of the first training
   * @param magnitude factor on cosine and sine
   */
  record Yarn(
      double factor, double slowTurns, double fastTurns, long originalLength, double magnitude)
      implements RopeScaling {
    public Yarn {
      if (!(factor >= 1) || !Double.isFinite(factor)) {
        throw new IllegalArgumentException("factor must be at least 1, got " + factor);
      }
      positive("slowTurns", slowTurns);
      positive("originalLength", (double) originalLength);
      positive("magnitude", magnitude);
      if (!(fastTurns > slowTurns) || !Double.isFinite(fastTurns)) {
        throw new IllegalArgumentException(
            "fastTurns must be above slowTurns, got " + fastTurns + " and " + slowTurns);
      }
    }

    @Override
    public double frequency(double unscaled, double base, int headSize) {
      double low = Math.max(0, Math.floor(pair(fastTurns, base, headSize)));
      double high = Math.min(headSize - 1, Math.ceil(pair(slowTurns, base, headSize)));
      double index = -Math.log(unscaled) / Math.log(base) * headSize / 2;
      double width = high > low ? high - low : 0.001;
      double divided = Math.max(0, Math.min(1, (index - low) / width));
      return unscaled * (1 - divided) + unscaled / factor * divided;
    }

    /** The index of the pair that makes this many turns over the original length. */
    private double pair(double turns, double base, int headSize) {
      return headSize * Math.log(originalLength / (turns * 2 * Math.PI)) / (2 * Math.log(base));
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, got " + value);
    }
  }
}
