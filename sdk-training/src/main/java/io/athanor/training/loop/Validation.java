package io.athanor.training.loop;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.TrainingException;
import io.athanor.api.training.TrainingMetric;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;
import java.util.Optional;

/**
 * Measures a model on rows it does not learn from.
 *
 * @param rows kept aside
 * @param batchSize rows at once
 * @param task decides what is measured beside the loss
 */
record Validation(Batches rows, int batchSize, Task task) {

  /**
   * @throws TrainingException if there are rows and no target counts in the loss
   */
  void measure(TrainableModel model, long step, Map<String, Double> metrics) {
    boolean classification = task instanceof Task.Classification;
    double loss = 0;
    long scored = 0;
    long right = 0;
    long answered = 0;
    try (Batches.Stream batches = rows.open(BatchOrder.sequential(batchSize))) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        Optional<MicroBatch> counted = ScoredBatch.of(batch);
        if (counted.isEmpty()) {
          continue;
        }
        loss += model.loss(counted.get()) * batch.scored();
        scored += batch.scored();
        Tensor target = batch.tensors().get(Signature.TARGET);
        Tensor output =
            classification ? model.predict(batch.tensors()).get(Signature.OUTPUT) : null;
        if (output != null && target != null) {
          right += right(output, target);
          answered += batch.rows();
        }
      }
    }
    if (scored > 0) {
      metrics.put(TrainingMetric.VALIDATION_LOSS.key(), loss / scored);
    } else if (rows.rows() > 0) {
      throw new TrainingException(
          step,
          "none of the "
              + rows.rows()
              + " validation rows has a target that counts in the loss, so nothing can be measured."
              + " Check the target column and how targets are masked");
    }
    if (scored > 0 && task instanceof Task.Generation) {
      double perplexity = Math.min(Double.MAX_VALUE, Math.exp(loss / scored));
      metrics.put(TrainingMetric.VALIDATION_PERPLEXITY.key(), perplexity);
    }
    if (answered > 0) {
      metrics.put(TrainingMetric.VALIDATION_ACCURACY.key(), (double) right / answered);
    }
  }

  /** How often the largest logit is that of the target. */
  private static long right(Tensor output, Tensor target) {
    FloatBuffer logits = output.floatBuffer();
    LongBuffer labels = target.longBuffer();
    int width = (int) output.size(1);
    long right = 0;
    for (int row = 0; row < labels.limit(); row++) {
      int best = 0;
      for (int i = 1; i < width; i++) {
        if (logits.get(row * width + i) > logits.get(row * width + best)) {
          best = i;
        }
      }
      if (best == labels.get(row)) {
        right++;
      }
    }
    return right;
  }
}
