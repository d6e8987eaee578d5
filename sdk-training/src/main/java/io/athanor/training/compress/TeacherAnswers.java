package io.athanor.training.compress;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Feature;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.training.tuning.ChangedBatches;
import java.nio.FloatBuffer;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a teacher puts out for each row. Rows are known by what the student reads of them, so that
 * batches in any order find theirs.
 */
final class TeacherAnswers {
  /**
   * Whom to ask.
   *
   * @param student how the student reads rows
   * @param backend stays open
   * @param batchSize rows at once
   */
  record Source(ModelArtifact teacher, FeatureEncoding student, Backend backend, int batchSize) {
    /** In the unit of the student's target: both have their own mean and deviation. */
    float answer(float given) {
      if (teacher.featureEncoding().target() instanceof TargetEncoder.Quantity theirs
          && student.target() instanceof TargetEncoder.Quantity ours) {
        double value = given * theirs.deviation() + theirs.mean();
        return (float) ((value - ours.mean()) / ours.deviation());
      }
      return given;
    }
  }

  private final FeatureEncoding encoding;
  private final Map<Digest, float[]> answers = new HashMap<>();

  private TeacherAnswers(FeatureEncoding encoding) {
    this.encoding = encoding;
  }

  /**
   * The student's batches with the answers to them.
   *
   * @param read the same rows in the same order, as the teacher reads them
   */
  static Batches of(Source source, Batches rows, Batches read) {
    TeacherAnswers all = new TeacherAnswers(source.student());
    ModelArtifact teacher = source.teacher();
    BatchOrder order = BatchOrder.sequential(source.batchSize());
    try (CompiledModel model =
            source
                .backend()
                .compile(teacher.graph().forPrediction(), teacher.weights(), Precision.F32);
        Batches.Stream own = rows.open(order);
        Batches.Stream theirs = read.open(order)) {
      while (own.hasNext()) {
        all.add(source, own.next(), model.predict(theirs.next().tensors()));
      }
    }
    return new ChangedBatches(rows, all::attachedTo);
  }

  private void add(Source source, Batch batch, Map<String, Tensor> outputs) {
    Tensor output = Weights.of(outputs).tensor(Signature.OUTPUT);
    FloatBuffer values = output.floatBuffer();
    int width = Math.toIntExact(output.size(1));
    for (int row = 0; row < batch.rows(); row++) {
      float[] answer = new float[width];
      for (int i = 0; i < width; i++) {
        answer[i] = source.answer(values.get(row * width + i));
      }
      answers.putIfAbsent(row(batch, row), answer);
    }
  }

  private Batch attachedTo(Batch batch) {
    int width = encoding.signature().outputSize();
    float[] values = new float[batch.rows() * width];
    for (int row = 0; row < batch.rows(); row++) {
      float[] answer = answers.get(row(batch, row));
      if (answer == null) {
        throw new GraphException(
            Distillation.TEACHER,
            "a row was not there when the teacher answered; the data must give the same rows in"
                + " every epoch");
      }
      System.arraycopy(answer, 0, values, row * width, width);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(batch.tensors());
    tensors.put(Distillation.TEACHER, Tensor.ofFloats(values, batch.rows(), width));
    return new Batch(tensors, batch.rows(), batch.scored());
  }

  /** What a student reads of a row, whatever the padding after it. */
  private Digest row(Batch batch, int row) {
    Weights named = Weights.of(batch.tensors());
    MessageDigest digest = Digest.sha256();
    for (Feature feature : encoding.signature().features()) {
      Tensor tensor = named.tensor(feature.name());
      int bytes = tensor.bytes().remaining() / batch.rows();
      int read = bytes;
      if (feature instanceof Feature.Tokens tokens) {
        read = bytes / Math.toIntExact(tensor.size(1)) * length(named.tensor(tokens.mask()), row);
      }
      digest.update(tensor.bytes().slice(row * bytes, read));
      digest.update((byte) 0);
    }
    return Digest.finish(digest);
  }

  /** Real tokens of a row. */
  private static int length(Tensor mask, int row) {
    int width = Math.toIntExact(mask.size(1));
    FloatBuffer values = mask.floatBuffer();
    int length = width;
    while (length > 0 && values.get(row * width + length - 1) == 0) {
      length--;
    }
    return length;
  }
}
