package io.athanor.eval;

import io.athanor.api.backend.Backend;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.Trait;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import io.athanor.api.model.Provenance;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Temperature scaling (Guo et al. 2017): divides a classifier's logits by one number, chosen so
 * that its probabilities fit rows it was not trained on. Labels stay as they are; confidence
 * becomes honest. Not thread-safe.
 *
 * <pre>{@code
 * var calibrated = Calibration.of(result.model(), data.validationRows()).fit();
 * }</pre>
 */
public final class Calibration {
  /** Under this name {@link #fit} notes the temperature among the model's metrics. */
  public static final String TEMPERATURE = "calibration.temperature";

  private static final int BATCH_SIZE = 64;
  private static final double LARGEST_LOG_TEMPERATURE = Math.log(20);
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  private final ModelArtifact model;
  private final Rows rows;
  private @Nullable Backend backend;

  private Calibration(ModelArtifact model, Rows rows) {
    this.model = model;
    this.rows = rows;
  }

  /**
   * Of a classifier.
   *
   * @param rows labelled, neither trained on nor used for the final test
   * @throws UnsupportedException if the model is no classifier
   */
  public static Calibration of(ModelArtifact model, Rows rows) {
    if (!(model.task() instanceof Task.Classification)) {
      throw new UnsupportedException(
          "only probabilities can be calibrated, and this model estimates '"
              + model.task().target()
              + "'",
          "Use it as it is");
    }
    return new Calibration(model, rows);
  }

  /** The engine to predict with; the only one present unless set. Not closed here. */
  public Calibration backend(Backend chosen) {
    backend = chosen;
    return this;
  }

  /**
   * The same model with calibrated probabilities.
   *
   * @throws io.athanor.api.error.ValidationException if there are no rows
   */
  public ModelArtifact fit() {
    double temperature = temperature(outcomes());
    Map<String, Double> metrics = new TreeMap<>(model.metrics());
    metrics.put(TEMPERATURE, temperature);
    Provenance made = model.provenance();
    return new ModelArtifact(
            model.architecture(),
            model.config(),
            model
                .graph()
                .withOutput(Signature.OUTPUT, "temperature", new ElementOp.Scale(1 / temperature)),
            model.weights(),
            model.encoding(),
            metrics,
            new Provenance(
                made.created(),
                made.seed(),
                made.plan(),
                made.data(),
                Optional.of(model.weightsDigest()),
                made.environment()))
        .withBaseline(model.baseline().map(b -> b.without(Trait.Aspect.CONFIDENCE)));
  }

  private Outcomes.Labels outcomes() {
    Examination examination =
        new Examination(new TestRows(rows, model.task().target()), BATCH_SIZE, 0, System::nanoTime);
    try (Engine engine = new Engine(Optional.ofNullable(backend));
        Predictor predictor = engine.predictor(model)) {
      return (Outcomes.Labels) examination.observe(predictor, (done, all) -> {}).outcomes();
    }
  }

  /** Golden-section search for the least log loss, which has one minimum in the temperature. */
  static double temperature(Outcomes.Labels outcomes) {
    double low = -LARGEST_LOG_TEMPERATURE;
    double high = LARGEST_LOG_TEMPERATURE;
    while (high - low > 1e-6) {
      double left = high - GOLDEN * (high - low);
      double right = low + GOLDEN * (high - low);
      if (logLoss(outcomes, Math.exp(left)) < logLoss(outcomes, Math.exp(right))) {
        high = right;
      } else {
        low = left;
      }
    }
    return Math.exp((low + high) / 2);
  }

  /** Logarithms of probabilities are logits but for a constant of each row. */
  private static double logLoss(Outcomes.Labels outcomes, double temperature) {
    int labels = outcomes.labels().size();
    double loss = 0;
    for (int row = 0; row < outcomes.rows(); row++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (int label = 0; label < labels; label++) {
        largest = Math.max(largest, logit(outcomes, row, label) / temperature);
      }
      double sum = 0;
      for (int label = 0; label < labels; label++) {
        sum += Math.exp(logit(outcomes, row, label) / temperature - largest);
      }
      loss += largest + Math.log(sum) - logit(outcomes, row, outcomes.actual(row)) / temperature;
    }
    return loss / outcomes.rows();
  }

  private static double logit(Outcomes.Labels outcomes, int row, int label) {
    return Math.log(Math.max(outcomes.probability(row, label), Float.MIN_NORMAL));
  }
}
