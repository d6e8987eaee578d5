package io.athanor.deploy.monitor;

import io.athanor.api.data.Distribution;
import java.util.Arrays;
import java.util.List;

/** Makes the baseline of vectors, for example of the embeddings of training texts. */
public final class EmbeddingBaseline {
  private static final int PAIRS = 128;
  private static final int COMPARED = 200;
  private static final long SEED = 1;

  private EmbeddingBaseline() {}

  /**
   * How vectors are spread, to be put into a {@link io.athanor.api.data.Baseline} with the aspect
   * {@code EMBEDDING}. The kernel's bandwidth is the median distance of vectors.
   *
   * @param vectors at least two, all of one length, not all alike; some thousands are plenty
   * @throws IllegalArgumentException if they are not
   */
  public static Distribution.Vectors of(List<float[]> vectors) {
    if (vectors.size() < 2) {
      throw new IllegalArgumentException("vectors must be at least two, got " + vectors.size());
    }
    int dimensions = vectors.get(0).length;
    for (float[] vector : vectors) {
      if (vector.length != dimensions) {
        throw new IllegalArgumentException(
            "vectors must be of one length, got " + dimensions + " and " + vector.length);
      }
    }
    double bandwidth = medianDistance(vectors);
    if (!(bandwidth > 0) || !Double.isFinite(bandwidth)) {
      throw new IllegalArgumentException(
          "vectors must be finite and not all alike; their median distance is " + bandwidth);
    }
    RandomFeatures features = new RandomFeatures(dimensions, PAIRS, bandwidth, SEED);
    double[] sums = new double[2 * PAIRS];
    vectors.forEach(vector -> features.addTo(sums, vector));
    return new Distribution.Vectors(
        vectors.size(),
        dimensions,
        bandwidth,
        SEED,
        Arrays.stream(sums).map(sum -> sum / vectors.size()).boxed().toList());
  }

  private static double medianDistance(List<float[]> vectors) {
    int stride = Math.max(1, vectors.size() / COMPARED);
    int compared = (vectors.size() + stride - 1) / stride;
    double[] distances = new double[compared * (compared - 1) / 2];
    int at = 0;
    for (int i = 0; i < compared; i++) {
      for (int j = 0; j < i; j++) {
        distances[at++] = distance(vectors.get(i * stride), vectors.get(j * stride));
      }
    }
    Arrays.sort(distances);
    return distances[distances.length / 2];
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = a[i] - b[i];
      sum += difference * difference;
    }
    return Math.sqrt(sum);
  }
}
