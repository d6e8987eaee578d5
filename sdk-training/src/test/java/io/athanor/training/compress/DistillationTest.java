package io.athanor.training.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.TrainingRun;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DistillationTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final TinyData data = TinyData.circle(120, 40, 5);

  private Training training(TinyModel student, TrainingData of) {
    return Training.of(student, of)
        .backend(backend)
        .batchSize(20)
        .epochs(12)
        .learningRate(0.05)
        .seed(7);
  }

  private ModelArtifact teacher(int hidden) {
    return training(new TinyModel(hidden, 0), data).run().model();
  }

  private float[] logits(ModelArtifact model, Map<String, Tensor> inputs) {
    try (CompiledModel compiled = backend.compile(model.graph(), model.weights(), Precision.F32)) {
      return Weights.of(compiled.predict(inputs)).tensor("output").floats();
    }
  }

  private static double[] softmax(float[] logits, int from, int count, double temperature) {
    double[] shares = new double[count];
    for (int i = 0; i < count; i++) {
      shares[i] = Math.exp(logits[from + i] / temperature);
    }
    double sum = Arrays.stream(shares).sum();
    return Arrays.stream(shares).map(share -> share / sum).toArray();
  }

  private static Batch first(Batches batches, int size) {
    try (Batches.Stream stream = batches.open(BatchOrder.sequential(size))) {
      return stream.next();
    }
  }

  @Test
  void lossIsHintons() {
    ModelArtifact teacher = teacher(16);
    ModelArtifact student = training(new TinyModel(3, 0), data).epochs(1).run().model();
    Distillation distillation = Distillation.from(teacher).temperature(3).weight(0.7);
    Graph graph = distillation.graph(student.graph());
    Batch batch = first(distillation.taught(data, backend, 16).train(), 8);

    float[] given = logits(teacher, batch.tensors());
    float[] own = logits(student, batch.tensors());
    long[] labels = batch.tensors().get("target").longs();
    double hard = 0;
    double soft = 0;
    for (int row = 0; row < 8; row++) {
      hard -= Math.log(softmax(own, 2 * row, 2, 1)[(int) labels[row]]) / 8;
      double[] likely = softmax(given, 2 * row, 2, 3);
      double[] guessed = softmax(own, 2 * row, 2, 3);
      soft -= (likely[0] * Math.log(guessed[0]) + likely[1] * Math.log(guessed[1])) / 8;
    }
    TrainingMode mode = new TrainingMode(Optimizer.sgd(0), Precision.F32, 1);
    try (TrainableModel model = backend.compile(graph, student.weights(), mode)) {
      double loss = model.loss(new MicroBatch(batch.tensors(), 8));
      assertThat(loss).isCloseTo(0.3 * hard + 0.7 * 9 * soft, offset(1e-5));
    }
  }

  @Test
  void studentLearnsWhatTheLabelsDoNotSay() {
    ModelArtifact teacher = teacher(16);
    TinyData mislabelled = data.withBatches(DistillationTest::allIn);

    ModelArtifact alone = training(new TinyModel(6, 0), mislabelled).run().model();
    ModelArtifact taught =
        training(new TinyModel(6, 0), mislabelled)
            .distill(Distillation.from(teacher).weight(1))
            .run()
            .model();

    Batch test = first(data.validation().orElseThrow(), 40);
    assertThat(agreement(teacher, taught, test)).isGreaterThanOrEqualTo(34);
    assertThat(agreement(teacher, alone, test)).isLessThan(30);
  }

  private static Batch allIn(Batch batch) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(batch.tensors());
    tensors.put("target", Tensor.ofLongs(new long[batch.rows()], batch.rows()));
    return new Batch(tensors, batch.rows(), batch.scored());
  }

  private int agreement(ModelArtifact one, ModelArtifact other, Batch batch) {
    float[] a = logits(one, batch.tensors());
    float[] b = logits(other, batch.tensors());
    int same = 0;
    for (int row = 0; row < batch.rows(); row++) {
      same += (a[2 * row] > a[2 * row + 1]) == (b[2 * row] > b[2 * row + 1]) ? 1 : 0;
    }
    return same;
  }

  @Test
  void nothingOfTheTeacherStaysInTheStudent() {
    ModelArtifact teacher = teacher(16);

    ModelArtifact taught =
        training(new TinyModel(6, 0), data).distill(Distillation.from(teacher)).run().model();

    assertThat(taught.graph()).isEqualTo(teacher(6).graph());
    assertThat(taught.provenance().data().get(0).steps())
        .anySatisfy(
            step -> {
              assertThat(step.name()).isEqualTo("teacher");
              assertThat(step.detail())
                  .matches("tiny \\(graph [0-9a-f]+\\), temperature 2.0, weight 0.5");
              assertThat(step.fingerprint()).isEqualTo(teacher.weightsDigest());
            });
    assertThat(taught.provenance().base()).contains(teacher.weightsDigest());
  }

  @Test
  void numbersAreLearnedFromTheTeachersNumbers() {
    TinyData plane = TinyData.plane(80, 20);
    ModelArtifact teacher = training(new TinyModel(8, 0), plane).run().model();

    ModelArtifact taught =
        training(new TinyModel(8, 0), plane).distill(Distillation.from(teacher)).run().model();

    Batch test = first(plane.validation().orElseThrow(), 20);
    float[] given = logits(teacher, test.tensors());
    float[] learned = logits(taught, test.tensors());
    double square = 0;
    for (int i = 0; i < given.length; i++) {
      square += Math.pow(given[i] - learned[i], 2) / given.length;
    }
    assertThat(square).isLessThan(0.3);
  }

  @Test
  void goesOnBitByBitWithTheSameTeacherOnly(@TempDir Path folder) {
    ModelArtifact teacher = teacher(16);
    Distillation from = Distillation.from(teacher);
    TrainingResult whole = training(new TinyModel(4, 0), data).distill(from).run();
    TrainingRun first =
        training(new TinyModel(4, 0), data).distill(from).checkpoints(folder).start();
    first.cancel();
    first.await();

    TrainingResult resumed =
        training(new TinyModel(4, 0), data).distill(from).checkpoints(folder).run();

    assertThat(resumed.model().weightsDigest()).isEqualTo(whole.model().weightsDigest());
    assertThatThrownBy(
            () ->
                training(new TinyModel(4, 0), data)
                    .distill(Distillation.from(teacher(15)))
                    .checkpoints(folder)
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("data.rows");
    assertThatThrownBy(
            () ->
                training(new TinyModel(4, 0), data)
                    .distill(from.temperature(4))
                    .checkpoints(folder)
                    .start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("model.graph");
  }

  @Test
  void teachersOfOtherThingsAreRefused() {
    ModelArtifact numbers =
        training(new TinyModel(4, 0), TinyData.plane(20, 10)).epochs(1).run().model();
    assertThatThrownBy(
            () -> training(new TinyModel(4, 0), data).distill(Distillation.from(numbers)).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the teacher was trained for Regression")
        .hasMessageContaining("the teacher reads rows in another way");
    Distillation other = Distillation.from(teacher(4)).reading(TinyData.circle(30, 10, 8));
    assertThatThrownBy(() -> training(new TinyModel(4, 0), data).distill(other).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("other rows than the student");
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    Distillation from = Distillation.from(teacher(4));
    assertThatThrownBy(() -> from.temperature(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("temperature must be above 0");
    for (double weight : new double[] {0, 1.01, Double.NaN}) {
      assertThatThrownBy(() -> from.weight(weight))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("weight must be in (0, 1]");
    }
  }
}
