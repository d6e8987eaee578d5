package io.athanor.training.loop;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Trait;
import io.athanor.api.error.AthanorException;
import io.athanor.api.model.ModelArtifact;
import java.nio.FloatBuffer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What rows and answers a trained model is used to. */
final class TrainedBaseline {
  private static final Logger LOG = LoggerFactory.getLogger(TrainedBaseline.class);
  private static final long ROWS_ASKED = 10_000;

  private final TargetEncoder target;
  private final BaselineSketch sketch = new BaselineSketch();

  private TrainedBaseline(TargetEncoder target) {
    this.target = target;
  }

  /**
   * Of the training rows, and of the answers to the first ten thousand validation rows. A trained
   * model without it is worth more than none, so a failure is only logged.
   */
  static Optional<Baseline> of(TrainingJob job, ModelArtifact model) {
    try {
      Optional<Baseline> rows = job.data().baseline();
      if (rows.isEmpty() || !(job.data().encoding() instanceof FeatureEncoding encoding)) {
        return rows;
      }
      TrainedBaseline answers = new TrainedBaseline(encoding.target());
      job.data().validation().ifPresent(batches -> answers.ask(job, model, batches));
      return Optional.of(rows.get().and(answers.sketch.baseline()));
    } catch (AthanorException e) {
      LOG.warn("The model has no baseline to be watched by in serving: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private void ask(TrainingJob job, ModelArtifact model, Batches rows) {
    int batch = job.plan().microBatchSize();
    long asked = 0;
    try (CompiledModel compiled =
            job.backend().compile(model.graph().forPrediction(), model.weights(), Precision.F32);
        Batches.Stream batches = rows.open(BatchOrder.sequential(batch))) {
      while (batches.hasNext() && asked < ROWS_ASKED) {
        Batch next = batches.next();
        asked += next.rows();
        Tensor output = compiled.predict(next.tensors()).get(Signature.OUTPUT);
        if (output != null) {
          see(output, next.rows());
        }
      }
    }
  }

  private void see(Tensor output, int rows) {
    FloatBuffer values = output.floatBuffer();
    int width = (int) output.size(1);
    Trait prediction = new Trait(target.column(), Trait.Aspect.PREDICTION);
    for (int row = 0; row < rows; row++) {
      if (target instanceof TargetEncoder.Quantity quantity) {
        sketch.number(prediction, values.get(row * width) * quantity.deviation() + quantity.mean());
      } else if (target instanceof TargetEncoder.Label label) {
        int best = 0;
        for (int i = 1; i < width; i++) {
          best = values.get(row * width + i) > values.get(row * width + best) ? i : best;
        }
        double sum = 0;
        for (int i = 0; i < width; i++) {
          sum += Math.exp(values.get(row * width + i) - values.get(row * width + best));
        }
        sketch.category(prediction, label.labels().get(best));
        sketch.number(new Trait(target.column(), Trait.Aspect.CONFIDENCE), 1 / sum);
      }
    }
  }
}
