package io.athanor.api.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Ranks and quantiles of any number of numbers in about 12 KiB, by Karnin, Lang and Liberty,
 * "Optimal Quantile Approximation in Streams" (2016): ranks are wrong by less than one in a hundred
 * with a probability of 99 in a hundred, whatever the numbers and their order. Equal numbers in
 * equal order give equal sketches on every platform. Used by one thread.
 */
public final class QuantileSketch {
  private static final int LARGEST_LEVEL = 512;
  private static final double SHRINKAGE = 2.0 / 3;
  private static final int CUTS = 50;

  /** Level {@code h} holds numbers that stand for {@code 2^h} each. */
  private final List<double[]> levels = new ArrayList<>();

  private int[] sizes = new int[0];
  private long count;
  private double smallest = Double.POSITIVE_INFINITY;
  private double largest = Double.NEGATIVE_INFINITY;
  private long coins = 0x9E3779B97F4A7C15L;

  public QuantileSketch() {
    addLevel();
  }

  /**
   * Sees a number.
   *
   * @throws IllegalArgumentException if it is not finite
   */
  public void add(double number) {
    if (!Double.isFinite(number)) {
      throw new IllegalArgumentException("number must be finite, got " + number);
    }
    count++;
    smallest = Math.min(smallest, number);
    largest = Math.max(largest, number);
    put(0, number);
    for (int level = 0; sizes[level] >= capacity(level); level++) {
      if (level + 1 == levels.size()) {
        addLevel();
      }
      compact(level);
    }
  }

  /** How many numbers it saw. */
  public long count() {
    return count;
  }

  /** The share of the numbers that do not exceed {@code number}; NaN if there were none. */
  public double rank(double number) {
    if (number >= largest) {
      return count == 0 ? Double.NaN : 1;
    }
    long below = 0;
    for (int level = 0; level < levels.size(); level++) {
      for (int i = 0; i < sizes[level]; i++) {
        below += levels.get(level)[i] <= number ? 1L << level : 0;
      }
    }
    return (double) below / count;
  }

  /**
   * A number whose rank is about {@code share}; NaN if there were none.
   *
   * @param share 0 for the smallest, 1 for the largest
   */
  public double quantile(double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("share must be in [0, 1], got " + share);
    }
    return count == 0 ? Double.NaN : quantiles(share)[0];
  }

  /** The numbers at fifty shares of equal distance, and what share does not exceed each. */
  public Distribution.Numbers distribution() {
    double[] shares = new double[CUTS];
    for (int i = 0; i < CUTS; i++) {
      shares[i] = (i + 1.0) / CUTS;
    }
    List<Double> cuts =
        count == 0 ? List.of() : Arrays.stream(quantiles(shares)).distinct().boxed().toList();
    return new Distribution.Numbers(count, cuts, cuts.stream().map(this::rank).toList());
  }

  /** For ascending shares. */
  private double[] quantiles(double... shares) {
    record Weighted(double number, long weight) {}
    List<Weighted> all = new ArrayList<>();
    for (int level = 0; level < levels.size(); level++) {
      for (int i = 0; i < sizes[level]; i++) {
        all.add(new Weighted(levels.get(level)[i], 1L << level));
      }
    }
    all.sort((a, b) -> Double.compare(a.number, b.number));
    double[] found = new double[shares.length];
    int next = 0;
    long below = 0;
    for (int i = 0; i < shares.length; i++) {
      while (next < all.size() && below < shares[i] * count) {
        below += all.get(next++).weight;
      }
      found[i] = next == 0 || shares[i] == 0 ? smallest : all.get(next - 1).number;
      found[i] = shares[i] == 1 ? largest : found[i];
    }
    return found;
  }

  /** Sorts a level, lets half of it go by chance, and hands up the others with double weight. */
  private void compact(int level) {
    double[] numbers = levels.get(level);
    int size = sizes[level];
    Arrays.sort(numbers, 0, size);
    int left = size % 2;
    for (int i = left + coin(); i < size; i += 2) {
      put(level + 1, numbers[i]);
    }
    sizes[level] = left;
  }

  private void put(int level, double number) {
    double[] numbers = levels.get(level);
    if (sizes[level] == numbers.length) {
      numbers = Arrays.copyOf(numbers, numbers.length * 2);
      levels.set(level, numbers);
    }
    numbers[sizes[level]++] = number;
  }

  private int capacity(int level) {
    int depth = levels.size() - 1 - level;
    return Math.max(8, (int) Math.ceil(LARGEST_LEVEL * Math.pow(SHRINKAGE, depth)));
  }

  private void addLevel() {
    levels.add(new double[16]);
    sizes = Arrays.copyOf(sizes, levels.size());
  }

  /** 0 or 1, by Marsaglia's xorshift (2003). */
  private int coin() {
    coins ^= coins << 13;
    coins ^= coins >>> 7;
    coins ^= coins << 17;
    return (int) (coins >>> 63);
  }
}
