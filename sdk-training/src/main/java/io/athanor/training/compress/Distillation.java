package io.athanor.training.compress;

import io.athanor.api.backend.Backend;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.TrainingData;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphJson;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Op;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.ShapeOp.Reduce;
import io.athanor.api.graph.Value;
import io.athanor.api.model.ModelArtifact;
import io.athanor.training.tuning.ReferencedData;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Trains a small model, the student, on what a large one answers, besides the labels of the data
 * (Hinton et al. 2015). Immutable and thread-safe.
 *
 * <pre>{@code
 * Training.of(Models.bagOfWords(), mail)
 *     .distill(Distillation.from(teacher).reading(mail.encodedBy(teacher.encoding())))
 *     .run();
 * }</pre>
 *
 * <p>For classes, the loss is {@code (1 - w) L + w T^2 H}, with {@code L} the student's own loss,
 * {@code H} the cross-entropy of the two models' probabilities at temperature {@code T}, the
 * teacher's taken as given, and {@code w} the weight. For numbers, {@code H} is the mean square of
 * the difference from the teacher's answer, and there is no temperature. The teacher answers every
 * row once, before the first step, without its dropout; rows that change from epoch to epoch cannot
 * be learned so. The trained model is a plain one: nothing of the teacher stays in it.
 */
public final class Distillation {
  /** The input with the teacher's outputs. */
  static final String TEACHER = "teacher";

  private final ModelArtifact teacher;
  private final double temperature;
  private final double weight;
  private final @Nullable TrainingData reading;

  private Distillation(
      ModelArtifact teacher, double temperature, double weight, @Nullable TrainingData reading) {
    this.teacher = teacher;
    this.temperature = temperature;
    this.weight = weight;
    this.reading = reading;
  }

  /** From a trained model that tells the same labels apart, or estimates the same column. */
  public static Distillation from(ModelArtifact teacher) {
    return new Distillation(teacher, 2, 0.5, null);
  }

  /**
   * How soft the probabilities are made; 2 unless set.
   *
   * @param degrees above 0; the higher, the more the unlikely labels count
   */
  public Distillation temperature(double degrees) {
    if (!(degrees > 0) || !Double.isFinite(degrees)) {
      throw new IllegalArgumentException("temperature must be above 0, got " + degrees);
    }
    return new Distillation(teacher, degrees, weight, reading);
  }

  /**
   * How much the teacher counts beside the data's own labels; 0.5 unless set.
   *
   * @param share in (0, 1]
   */
  public Distillation weight(double share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("weight must be in (0, 1], got " + share);
    }
    return new Distillation(teacher, temperature, share, reading);
  }

  /**
   * For a teacher that reads rows in another way than the student.
   *
   * @param sameRows the data that the student learns from, encoded as the teacher's were
   */
  public Distillation reading(TrainingData sameRows) {
    return new Distillation(teacher, temperature, weight, sameRows);
  }

  /** The digest of the teacher's weights. */
  public Digest teacherWeights() {
    return teacher.weightsDigest();
  }

  /** What keeps a student from learning from this teacher on some data; empty if nothing does. */
  public List<String> misfits(TrainingData data) {
    List<String> problems = new ArrayList<>();
    Task task = data.encoding().task();
    Task taught = teacher.task();
    if (!(data.encoding() instanceof FeatureEncoding)
        || !(task instanceof Task.Classification || task instanceof Task.Regression)) {
      problems.add(
          "distillation is for classes and numbers, and the data are for "
              + task.getClass().getSimpleName());
    } else if (!taught.equals(task)) {
      problems.add("the teacher was trained for " + taught + ", and the data are for " + task);
    }
    Encoding read = reading == null ? data.encoding() : reading.encoding();
    if (!teacher.encoding().equals(read)) {
      problems.add(
          "the teacher reads rows in another way; give it the same rows by"
              + " Distillation.reading(data.encodedBy(teacher.encoding()))");
    }
    if (reading != null) {
      DataProvenance own = data.provenance();
      DataProvenance given = reading.provenance();
      boolean same =
          own.fingerprint().equals(given.fingerprint())
              && own.seed() == given.seed()
              && data.train().rows() == reading.train().rows()
              && validationRows(data) == validationRows(reading);
      if (!same) {
        problems.add(
            "the teacher is to read other rows than the student; split the same data once");
      }
    }
    return problems;
  }

  private static long validationRows(TrainingData data) {
    return data.validation().map(Batches::rows).orElse(0L);
  }

  /**
   * The graph by which a student learns: with a further input, and the loss of both.
   *
   * @param student with its own loss
   */
  public Graph graph(Graph student) {
    return new Rewrite(student) {
      @Override
      protected void end() {
        super.end();
        Value output = value(Objects.requireNonNull(student.outputs().get(Signature.OUTPUT)));
        Value answers = target.target(TEACHER, output.type());
        Value own = value(student.loss().orElseThrow());
        Value taught =
            teacher.task() instanceof Task.Classification
                ? probabilities(output, answers)
                : apply("scaled", new ElementOp.Scale(weight), difference(output, answers));
        target.loss(apply("loss", new ElementOp.Add(), scaled("own", own, 1 - weight), taught));
      }

      private Value difference(Value output, Value answers) {
        return apply("difference", new LossOp.MeanSquaredError(), output, answers);
      }

      /** The weighted cross-entropy. */
      private Value probabilities(Value output, Value answers) {
        Value soft = scaled("softened", output, 1 / temperature);
        Value logarithms = apply("logarithms", new ElementOp.LogSoftmax(), soft);
        Value likely =
            apply("given", new ElementOp.Softmax(), scaled("answers", answers, 1 / temperature));
        Value products = apply("products", new ElementOp.Multiply(), likely, logarithms);
        Value rows = apply("rows", new Reduce(Reduce.Statistic.SUM, List.of(1)), products);
        Value mean = apply("mean", new Reduce(Reduce.Statistic.MEAN, List.of(0)), rows);
        return scaled("entropy", mean, -weight * temperature * temperature);
      }

      private Value scaled(String name, Value x, double factor) {
        return apply(name, new ElementOp.Scale(factor), x);
      }

      private Value apply(String name, Op op, Value... from) {
        return target.apply(TEACHER + "." + name, op, from);
      }
    }.rewritten();
  }

  /**
   * The data with the teacher's answers as a further tensor, computed when they are first read.
   *
   * @param backend that computes; stays open
   * @param batchSize rows at once
   */
  public TrainingData taught(TrainingData data, Backend backend, int batchSize) {
    TrainingData read = reading == null ? data : reading;
    TeacherAnswers.Source source =
        new TeacherAnswers.Source(teacher, (FeatureEncoding) data.encoding(), backend, batchSize);
    String graph = Digest.ofText(GraphJson.write(teacher.graph()).toString()).brief();
    String name = teacher.architecture() + " (graph " + graph + ")";
    String detail = name + ", temperature " + temperature + ", weight " + weight;
    return new ReferencedData(
        data,
        rows -> TeacherAnswers.of(source, rows, read.train()),
        rows -> TeacherAnswers.of(source, rows, read.validation().orElse(rows)),
        List.of(new DataProvenance.Step(TEACHER, detail, teacherWeights())));
  }
}
