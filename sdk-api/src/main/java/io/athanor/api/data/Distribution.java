package io.athanor.api.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How many values were spread, in a few numbers, however many there were. Immutable. */
public sealed interface Distribution {
  /** The number of values. */
  long count();

  /**
   * Numbers, by their distribution function at some points.
   *
   * @param count how many
   * @param cuts strictly ascending, the last one the largest number; empty if there were none
   * @param upTo for each cut the share of the numbers that do not exceed it, the last one 1
   */
  record Numbers(long count, List<Double> cuts, List<Double> upTo) implements Distribution {
    public Numbers {
      cuts = List.copyOf(cuts);
      upTo = List.copyOf(upTo);
      if (count < 0 || cuts.size() != upTo.size() || (count == 0) != cuts.isEmpty()) {
        throw new IllegalArgumentException(
            "cuts and upTo must be as many, and none only without numbers, got "
                + cuts.size()
                + ", "
                + upTo.size()
                + " and "
                + count
                + " numbers");
      }
      for (int i = 0; i < cuts.size(); i++) {
        double below = i == 0 ? 0 : upTo.get(i - 1);
        if (!Double.isFinite(cuts.get(i)) || (i > 0 && cuts.get(i) <= cuts.get(i - 1))) {
          throw new IllegalArgumentException("cuts must be finite and ascend, got " + cuts);
        }
        if (!(upTo.get(i) >= below && upTo.get(i) <= 1)) {
          throw new IllegalArgumentException("upTo must ascend from 0 to 1, got " + upTo);
        }
      }
      if (count > 0 && upTo.get(upTo.size() - 1) != 1) {
        throw new IllegalArgumentException("upTo must end with 1, got " + upTo);
      }
    }
  }

  /**
   * Words, by how often each occurred.
   *
   * @param counts of the most frequent ones, most frequent first
   * @param other how many were none of these
   */
  record Categories(Map<String, Long> counts, long other) implements Distribution {
    public Categories {
      counts = Collections.unmodifiableMap(new LinkedHashMap<>(counts));
      if (other < 0 || counts.values().stream().anyMatch(n -> n < 1)) {
        throw new IllegalArgumentException(
            "other must be at least 0 and every count at least 1, got " + other + ", " + counts);
      }
    }

    @Override
    public long count() {
      return other + counts.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * Vectors, by the mean of random Fourier features of theirs (Rahimi and Recht, "Random Features
   * for Large-Scale Kernel Machines", 2007), which tells distributions apart as the Gaussian kernel
   * does.
   *
   * @param count how many
   * @param dimensions of a vector, at least 1
   * @param bandwidth of the kernel, above 0
   * @param seed of the features
   * @param mean of the cosines and sines in turn; an even number of them
   */
  record Vectors(long count, int dimensions, double bandwidth, long seed, List<Double> mean)
      implements Distribution {
    public Vectors {
      mean = List.copyOf(mean);
      if (count < 1 || dimensions < 1 || !(bandwidth > 0) || !Double.isFinite(bandwidth)) {
        throw new IllegalArgumentException(
            "count, dimensions and bandwidth must be above 0, got "
                + count
                + ", "
                + dimensions
                + " and "
                + bandwidth);
      }
      if (mean.isEmpty()
          || mean.size() % 2 != 0
          || mean.stream().anyMatch(m -> !(Math.abs(m) <= 1))) {
        throw new IllegalArgumentException(
            "mean must hold an even number of values in [-1, 1], got " + mean.size());
      }
    }
  }
}
