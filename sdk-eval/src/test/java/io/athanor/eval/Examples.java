package io.athanor.eval;

import io.athanor.api.common.Digest;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.training.TrainingHistory;
import io.athanor.tck.fixture.RandomOutcomes;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Made-up outcomes of known quality. */
final class Examples {
  static final Digest FINGERPRINT = Digest.ofText("test rows");
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-01T12:00:00Z"), ZoneOffset.UTC);

  private Examples() {}

  /** Outcomes that are right or wrong as told, with a confidence of 0.9. */
  static Outcomes.Labels right(boolean... right) {
    int[] actual = new int[right.length];
    float[] probabilities = new float[right.length * 2];
    for (int row = 0; row < right.length; row++) {
      actual[row] = row % 2;
      int predicted = right[row] ? actual[row] : 1 - actual[row];
      probabilities[row * 2 + predicted] = 0.9f;
      probabilities[row * 2 + 1 - predicted] = 0.1f;
    }
    return new Outcomes.Labels(List.of("no", "yes"), actual, probabilities);
  }

  static Outcomes.Quantities numbers(int rows, double noise, long seed) {
    Random actual = new Random(5);
    Random error = new Random(seed);
    double[] wanted = new double[rows];
    double[] got = new double[rows];
    for (int row = 0; row < rows; row++) {
      wanted[row] = 150 + 60 * actual.nextGaussian();
      got[row] = wanted[row] + noise * error.nextGaussian();
    }
    return new Outcomes.Quantities(wanted, got);
  }

  static TrainingHistory history() {
    Random random = new Random(3);
    List<TrainingHistory.Point> train = new ArrayList<>();
    List<TrainingHistory.Evaluation> evaluations = new ArrayList<>();
    for (int step = 1; step <= 600; step++) {
      double loss = 0.08 + 0.62 * Math.exp(-step / 90.0);
      train.add(
          new TrainingHistory.Point(step, loss + 0.03 * random.nextGaussian(), 1e-3, loss / 2));
      if (step % 50 == 0) {
        evaluations.add(
            new TrainingHistory.Evaluation(
                step,
                1 + step / 200,
                Map.of(
                    "train.loss",
                    loss,
                    "validation.loss",
                    loss + 0.03 + step / 20_000.0,
                    "validation.accuracy",
                    1 - 0.6 * loss)));
      }
    }
    return new TrainingHistory(train, evaluations);
  }

  static List<String> digits() {
    return IntStream.range(0, 10).mapToObj(String::valueOf).toList();
  }

  static Evaluation of(Outcomes outcomes) {
    return Evaluation.of("target", outcomes, FINGERPRINT).clock(CLOCK).seed(11);
  }

  static EvaluationReport binary() {
    Outcomes.Labels champion = RandomOutcomes.labels(List.of("ham", "spam"), 800, 2.2, 1);
    return Evaluation.of(
            "spam", RandomOutcomes.labels(List.of("ham", "spam"), 800, 2.2, 1), FINGERPRINT)
        .clock(CLOCK)
        .history(history())
        .gate(
            Metrics.f1().of("spam").atLeast(0.85),
            Metrics.accuracy().atLeast(0.95).withConfidence(),
            Metrics.accuracy().atLeast(0.93).withConfidence(),
            Metrics.noWorseThan(of(champion).run()))
        .run();
  }

  static EvaluationReport tenLabels() {
    return Evaluation.of("digit", RandomOutcomes.labels(digits(), 600, 3.2, 2), FINGERPRINT)
        .clock(CLOCK)
        .history(history())
        .gate(Metrics.accuracy().atLeast(0.6))
        .run();
  }

  static EvaluationReport regression() {
    return Evaluation.of("price", numbers(300, 22, 9), FINGERPRINT)
        .clock(CLOCK)
        .gate(
            Metrics.r2().atLeast(0.8),
            Metrics.noWorseThan(of(numbers(300, 20, 8)).run()).by(Metrics.mae()).margin(5))
        .run();
  }
}
