package io.athanor.deploy.monitor;

import io.athanor.api.data.Distribution;
import java.util.HashMap;
import java.util.Map;

/** Counts what was seen of a trait, in the places where its baseline says how much to expect. */
abstract class Tally {
  /** An empty one for the same baseline. */
  abstract Tally fresh();

  /** Adds what another one for the same baseline has seen. */
  abstract void add(Tally other);

  abstract long count();

  static Tally of(Distribution baseline) {
    if (baseline instanceof Distribution.Numbers numbers) {
      return new Numbers(
          numbers, numbers.cuts().stream().mapToDouble(Double::doubleValue).toArray());
    }
    if (baseline instanceof Distribution.Categories categories) {
      return Words.of(categories);
    }
    Distribution.Vectors vectors = (Distribution.Vectors) baseline;
    return new Vectors(vectors, RandomFeatures.of(vectors));
  }

  private static void addAll(long[] to, long[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }

  private static long sum(long[] counts) {
    long sum = 0;
    for (long count : counts) {
      sum += count;
    }
    return sum;
  }

  /** Numbers up to each cut and above that before it, and at last those above all. */
  static final class Numbers extends Tally {
    final Distribution.Numbers baseline;
    final long[] counts;
    private final double[] cuts;

    Numbers(Distribution.Numbers baseline, double[] cuts) {
      this.baseline = baseline;
      this.cuts = cuts;
      this.counts = new long[cuts.length + 1];
    }

    void see(double number) {
      int found = java.util.Arrays.binarySearch(cuts, number);
      counts[found < 0 ? -found - 1 : found]++;
    }

    @Override
    Tally fresh() {
      return new Numbers(baseline, cuts);
    }

    @Override
    void add(Tally other) {
      addAll(counts, ((Numbers) other).counts);
    }

    @Override
    long count() {
      return sum(counts);
    }
  }

  /** The words of the baseline in its order, and at last all others. */
  static final class Words extends Tally {
    final Distribution.Categories baseline;
    final long[] counts;
    private final Map<String, Integer> places;

    private Words(Distribution.Categories baseline, Map<String, Integer> places) {
      this.baseline = baseline;
      this.places = places;
      this.counts = new long[places.size() + 1];
    }

    static Words of(Distribution.Categories baseline) {
      Map<String, Integer> places = new HashMap<>();
      baseline.counts().keySet().forEach(word -> places.put(word, places.size()));
      return new Words(baseline, places);
    }

    void see(String word) {
      counts[places.getOrDefault(word, places.size())]++;
    }

    @Override
    Tally fresh() {
      return new Words(baseline, places);
    }

    @Override
    void add(Tally other) {
      addAll(counts, ((Words) other).counts);
    }

    @Override
    long count() {
      return sum(counts);
    }
  }

  /** The sums of vectors' random features. */
  static final class Vectors extends Tally {
    final Distribution.Vectors baseline;
    final double[] sums;
    private final RandomFeatures features;
    private long count;

    Vectors(Distribution.Vectors baseline, RandomFeatures features) {
      this.baseline = baseline;
      this.features = features;
      this.sums = new double[baseline.mean().size()];
    }

    /** Passes over a vector of another length. */
    void see(float[] vector) {
      if (vector.length == features.dimensions()) {
        features.addTo(sums, vector);
        count++;
      }
    }

    @Override
    Tally fresh() {
      return new Vectors(baseline, features);
    }

    @Override
    void add(Tally other) {
      Vectors that = (Vectors) other;
      for (int i = 0; i < sums.length; i++) {
        sums[i] += that.sums[i];
      }
      count += that.count;
    }

    @Override
    long count() {
      return count;
    }
  }
}
