package io.athanor.data.split;

/**
 * Shuffles by Fisher and Yates with numbers from SplitMix64 (Steele, Lea and Flood, "Fast
 * splittable pseudorandom number generators", 2014), written out so that no JDK can change an
 * order.
 */
public final class Permutation {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  private Permutation(long state) {
    this.state = state;
  }

  /** A generator of shuffles; equal seeds and streams give equal shuffles on every platform. */
  public static Permutation of(long seed, long stream) {
    return new Permutation(mix(mix(seed + GAMMA) + GAMMA * (stream + 1)));
  }

  /** Shuffles in place; every call gives another order. */
  public void shuffle(int[] values) {
    shuffle(values, values.length);
  }

  /** Shuffles the first values in place. */
  public void shuffle(int[] values, int count) {
    for (int i = count - 1; i > 0; i--) {
      int j = below(i + 1);
      int kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
  }

  /** A number in [0, bound), by multiplication (Lemire 2019); its bias is below 2^-32. */
  private int below(int bound) {
    state += GAMMA;
    return (int) Math.multiplyHigh(mix(state) >>> 1, 2L * bound);
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
