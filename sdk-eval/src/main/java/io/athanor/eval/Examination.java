package io.athanor.eval;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Outcomes;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.eval.metric.Observations;
import io.athanor.eval.metric.Speed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/** Lets a model predict the test rows and writes down what it says and how long it takes. */
final class Examination {
  private static final int WARM_UP_CALLS = 10;
  private static final long MOST_PROBABILITIES = 250_000_000;

  private final TestRows rows;
  private final int batchSize;
  private final int timedCalls;
  private final LongSupplier nanoClock;

  Examination(TestRows rows, int batchSize, int timedCalls, LongSupplier nanoClock) {
    this.rows = rows;
    this.batchSize = batchSize;
    this.timedCalls = timedCalls;
    this.nanoClock = nanoClock;
  }

  /** Outcomes and speed of the model under evaluation. A label it does not know is an error. */
  Observations observe(Predictor predictor, ProgressListener listener) {
    rows.requireColumnsOf(predictor.encoding());
    List<Speed.TimedBatch> batches = new ArrayList<>();
    Answers answers = answers(predictor.encoding(), false);
    for (int from = 0; from < rows.size(); from += batchSize) {
      List<Row> batch = batch(from);
      if (from == 0 && timedCalls > 0) {
        predict(predictor, batch, from);
      }
      long begin = nanoClock.getAsLong();
      List<Prediction> predictions = predict(predictor, batch, from);
      batches.add(new Speed.TimedBatch(batch.size(), nanoClock.getAsLong() - begin));
      answers.add(from, predictions);
      listener.predicted(from + batch.size(), rows.size());
    }
    Speed speed = timedCalls == 0 ? Speed.NONE : new Speed(calls(predictor), batches);
    return new Observations(answers.outcomes(), speed);
  }

  /** Outcomes of a champion. A label it does not know is one it gets wrong. */
  Outcomes outcomes(Predictor champion) {
    rows.requireColumnsOf(champion.encoding());
    Answers answers = answers(champion.encoding(), true);
    for (int from = 0; from < rows.size(); from += batchSize) {
      answers.add(from, predict(champion, batch(from), from));
    }
    return answers.outcomes();
  }

  private List<Row> batch(int from) {
    List<Row> batch = new ArrayList<>();
    for (int i = from; i < Math.min(from + batchSize, rows.size()); i++) {
      batch.add(rows.features(i));
    }
    return batch;
  }

  private List<Prediction> predict(Predictor predictor, List<Row> batch, int from) {
    FeatureEncoding encoding = predictor.encoding();
    List<EncodedRow> encoded = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      encoded.add(encoding.encode(batch.get(i), rows.name(from + i), 0));
    }
    return predictor.predict(encoded);
  }

  private List<Long> calls(Predictor predictor) {
    int calls = Math.min(timedCalls, rows.size());
    for (int i = 0; i < WARM_UP_CALLS; i++) {
      predictor.predict(rows.features(i % rows.size()));
    }
    List<Long> nanos = new ArrayList<>(calls);
    for (int i = 0; i < calls; i++) {
      Row row = rows.features((int) ((long) i * rows.size() / calls));
      long begin = nanoClock.getAsLong();
      predictor.predict(row);
      nanos.add(nanoClock.getAsLong() - begin);
    }
    return nanos;
  }

  private Answers answers(FeatureEncoding encoding, boolean mayMeetUnknownLabels) {
    if (encoding.target().task() instanceof Task.Classification task) {
      List<String> labels = mayMeetUnknownLabels ? rows.labelsWith(task) : task.labels();
      if ((long) rows.size() * labels.size() > MOST_PROBABILITIES) {
        throw new UnsupportedException(
            rows.size() + " rows of " + labels.size() + " labels do not fit into memory",
            "Evaluate on a sample of the rows");
      }
      return new LabelAnswers(labels);
    }
    return new NumberAnswers();
  }

  private interface Answers {
    void add(int from, List<Prediction> predictions);

    Outcomes outcomes();
  }

  private final class LabelAnswers implements Answers {
    private final List<String> labels;
    private final Map<String, Integer> index = new HashMap<>();
    private final int[] actual = new int[rows.size()];
    private final float[] probabilities;

    LabelAnswers(List<String> labels) {
      this.labels = labels;
      this.probabilities = new float[rows.size() * labels.size()];
      for (int i = 0; i < labels.size(); i++) {
        index.put(labels.get(i), i);
      }
    }

    @Override
    public void add(int from, List<Prediction> predictions) {
      for (int i = 0; i < predictions.size(); i++) {
        int row = from + i;
        actual[row] = rows.label(row, labels);
        Prediction.Label label = (Prediction.Label) predictions.get(i);
        for (Prediction.Alternative each : label.probabilities()) {
          float p = (float) each.probability();
          requireNumber(p, row);
          probabilities[row * labels.size() + Objects.requireNonNull(index.get(each.label()))] = p;
        }
      }
    }

    @Override
    public Outcomes outcomes() {
      return new Outcomes.Labels(labels, actual, probabilities);
    }
  }

  private final class NumberAnswers implements Answers {
    private final double[] actual = new double[rows.size()];
    private final double[] predicted = new double[rows.size()];

    @Override
    public void add(int from, List<Prediction> predictions) {
      for (int i = 0; i < predictions.size(); i++) {
        actual[from + i] = rows.number(from + i);
        predicted[from + i] = ((Prediction.Quantity) predictions.get(i)).value();
        requireNumber(predicted[from + i], from + i);
      }
    }

    @Override
    public Outcomes outcomes() {
      return new Outcomes.Quantities(actual, predicted);
    }
  }

  private void requireNumber(double value, int row) {
    if (!Double.isFinite(value)) {
      throw new ValidationException(
          "prediction",
          List.of(
              "the model answers "
                  + value
                  + " for "
                  + rows.name(row)
                  + ", which is no finite number. Its weights are probably not finite: train it"
                  + " again with a lower learning rate or with gradient clipping"));
    }
  }
}
