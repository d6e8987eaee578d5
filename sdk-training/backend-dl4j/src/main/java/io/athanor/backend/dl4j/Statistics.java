package io.athanor.backend.dl4j;

import java.nio.FloatBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How running statistics follow those of a batch. */
final class Statistics {
  private Statistics() {}

  /**
   * Copies the statistics of a batch.
   *
   * @return moves the running ones
   */
  static Runnable of(Program.Moving moving, Program.Outcome outcome, Parameters parameters) {
    float[] mean = floats(outcome.result(moving.meanResult()));
    float[] variance = floats(outcome.result(moving.varianceResult()));
    double unbiased = (double) moving.count() / (moving.count() - 1);
    double momentum = moving.op().momentum();
    return () -> {
      move(parameters.get(moving.op().mean()), mean, 1, momentum);
      move(parameters.get(moving.op().variance()), variance, unbiased, momentum);
    };
  }

  private static float[] floats(INDArray array) {
    return NativeArray.tensor(array, array.length()).floats();
  }

  private static void move(NativeArray running, float[] seen, double factor, double momentum) {
    FloatBuffer values = running.writing();
    for (int i = 0; i < seen.length; i++) {
      values.put(i, (float) ((1 - momentum) * values.get(i) + momentum * factor * seen[i]));
    }
  }
}
