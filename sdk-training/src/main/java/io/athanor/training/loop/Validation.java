package io.athanor.training.loop;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Signature;
import io.athanor.api.training.TrainingMetric;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;

/**
 * Measures a model on rows it does not learn from.
 *
 * @param rows kept aside
 * @param batchSize rows at once
 * @param classification whether there is an accuracy
 */
record Validation(Batches rows, int batchSize, boolean classification) {

  void measure(TrainableModel model, Map<String, Double> metrics) {
    double loss = 0;
    long scored = 0;
    long right = 0;
    long answered = 0;
    try (Batches.Stream batches = rows.open(BatchOrder.sequential(batchSize))) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        if (batch.scored() == 0) {
          continue;
        }
        loss += model.loss(new MicroBatch(batch.tensors(), batch.scored())) * batch.scored();
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
