package io.athanor.api.model;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Merged;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A model on a backend: rows in, predictions out. Thread-safe; calls run one after the other. */
public final class Predictor implements AutoCloseable {
  private final FeatureEncoding encoding;
  private final CompiledModel model;

  private Predictor(FeatureEncoding encoding, CompiledModel model) {
    this.encoding = encoding;
    this.model = model;
  }

  /** As {@link #of(ModelArtifact, Backend, Precision)}, in F32. */
  public static Predictor of(ModelArtifact artifact, Backend backend) {
    return of(artifact, backend, Precision.F32);
  }

  /**
   * Compiles a model for prediction, its low-rank paths {@link Merged merged}.
   *
   * @throws io.athanor.api.error.UnsupportedException if the backend cannot run it, or not in this
   *     number format
   */
  public static Predictor of(ModelArtifact artifact, Backend backend, Precision precision) {
    backend.check(artifact.graph().forPrediction(), precision).require();
    Merged merged = Merged.of(artifact.graph(), artifact.weights());
    return new Predictor(
        artifact.featureEncoding(), backend.compile(merged.graph(), merged.weights(), precision));
  }

  /** The columns a row should have. */
  public Schema schema() {
    return encoding.schema();
  }

  /** How it reads rows, its task included. */
  public FeatureEncoding encoding() {
    return encoding;
  }

  /**
   * Encodes a row, checking it against the model's schema. Does not touch the engine.
   *
   * @throws io.athanor.api.error.FormatException if a cell does not fit; names the column
   */
  public EncodedRow encode(Row row) {
    return encoding.encode(row, "row", 0);
  }

  /**
   * Predictions for rows, in their order, by one pass through the engine.
   *
   * @param rows at least one
   * @throws GraphException if the graph's output is not what {@link Signature} defines
   * @throws IllegalStateException after {@link #close}
   */
  public List<Prediction> predict(List<EncodedRow> rows) {
    Map<String, Tensor> inputs = encoding.collate(rows);
    Map<String, Tensor> outputs;
    synchronized (model) {
      outputs = model.predict(inputs);
    }
    Tensor output = outputs.get(Signature.OUTPUT);
    if (output == null) {
      throw new GraphException(
          Signature.OUTPUT, "expected an output of this name, got " + outputs.keySet());
    }
    long width = encoding.signature().outputSize();
    if (!Arrays.equals(output.shape(), new long[] {rows.size(), width})) {
      throw new GraphException(
          Signature.OUTPUT, "expected shape [" + rows.size() + ", " + width + "], got " + output);
    }
    return decode(output, rows.size());
  }

  /**
   * The prediction for one row.
   *
   * @throws io.athanor.api.error.FormatException if a cell does not fit; names the column
   */
  public Prediction predict(Row row) {
    return predict(List.of(encode(row))).get(0);
  }

  private List<Prediction> decode(Tensor output, int rows) {
    FloatBuffer values = output.floatBuffer();
    int width = (int) output.size(1);
    List<Prediction> predictions = new ArrayList<>(rows);
    for (int r = 0; r < rows; r++) {
      if (encoding.target() instanceof TargetEncoder.Label target) {
        predictions.add(label(target.labels(), values, r * width));
      } else if (encoding.target() instanceof TargetEncoder.Quantity target) {
        predictions.add(
            new Prediction.Quantity(values.get(r) * target.deviation() + target.mean()));
      }
    }
    return predictions;
  }

  private static Prediction.Label label(List<String> labels, FloatBuffer logits, int at) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < labels.size(); i++) {
      largest = Math.max(largest, logits.get(at + i));
    }
    double sum = 0;
    double[] shares = new double[labels.size()];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = Math.exp(logits.get(at + i) - largest);
      sum += shares[i];
    }
    List<Prediction.Alternative> all = new ArrayList<>(shares.length);
    for (int i = 0; i < shares.length; i++) {
      all.add(new Prediction.Alternative(labels.get(i), shares[i] / sum));
    }
    all.sort(Comparator.comparingDouble(Prediction.Alternative::probability).reversed());
    return new Prediction.Label(all.get(0).label(), all.get(0).probability(), all);
  }

  /** Frees the engine's memory; twice is fine. */
  @Override
  public void close() {
    synchronized (model) {
      model.close();
    }
  }
}
