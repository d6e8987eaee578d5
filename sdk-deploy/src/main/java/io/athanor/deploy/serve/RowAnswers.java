package io.athanor.deploy.serve;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.model.Prediction;
import java.time.Duration;

/** Answers of a model that predicts a column of rows. */
record RowAnswers(ServedModel model, String backend)
    implements MicroBatcher.Kind<EncodedRow, Prediction, Answer> {
  @Override
  public int length(EncodedRow row) {
    return row.length();
  }

  @Override
  public Answer answer(Prediction prediction, Duration latency) {
    if (!isFinite(prediction)) {
      throw new BackendException(
          backend, model + " gave a number that is not finite; train it anew or roll it back");
    }
    return new Answer(model.name(), model.version(), prediction, latency);
  }

  private static boolean isFinite(Prediction prediction) {
    if (prediction instanceof Prediction.Label label) {
      return Double.isFinite(label.confidence());
    }
    return prediction instanceof Prediction.Quantity quantity && Double.isFinite(quantity.value());
  }
}
