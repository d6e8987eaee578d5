package io.athanor.deploy.monitor;

import io.athanor.api.data.Distribution;
import java.util.Random;

/**
 * Cosines and sines of random projections, whose products are near a Gaussian kernel (Rahimi and
 * Recht 2007). Immutable.
 */
final class RandomFeatures {
  private final int dimensions;
  private final float[] frequencies;

  /**
   * @param pairs of a cosine and a sine
   */
  RandomFeatures(int dimensions, int pairs, double bandwidth, long seed) {
    this.dimensions = dimensions;
    this.frequencies = new float[Math.multiplyExact(dimensions, pairs)];
    Random random = new Random(seed);
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) (random.nextGaussian() / bandwidth);
    }
  }

  static RandomFeatures of(Distribution.Vectors like) {
    return new RandomFeatures(
        like.dimensions(), like.mean().size() / 2, like.bandwidth(), like.seed());
  }

  int dimensions() {
    return dimensions;
  }

  /** Adds the features of a vector to sums, each cosine before its sine. */
  void addTo(double[] sums, float[] vector) {
    for (int pair = 0; pair < sums.length / 2; pair++) {
      double angle = 0;
      int at = pair * dimensions;
      for (int i = 0; i < dimensions; i++) {
        angle += frequencies[at + i] * vector[i];
      }
      sums[2 * pair] += Math.cos(angle);
      sums[2 * pair + 1] += Math.sin(angle);
    }
  }
}
