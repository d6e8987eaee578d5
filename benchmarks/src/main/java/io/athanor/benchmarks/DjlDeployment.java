package io.athanor.benchmarks;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.Export;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.backend.djl.TorchScript;
import io.athanor.deploy.input.RowReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;

/**
 * A classifier behind DJL's own {@code Predictor}, the way its documentation has it served: each
 * thread has a predictor and asks it for one row.
 */
final class DjlDeployment implements Deployment {
  private final ServedModel served;
  private final FeatureEncoding encoding;
  private final RowReader reader;
  private final Model model;
  private final ConcurrentLinkedQueue<Predictor<Map<String, Tensor>, float[]>> predictors =
      new ConcurrentLinkedQueue<>();
  private final ThreadLocal<Predictor<Map<String, Tensor>, float[]>> own =
      ThreadLocal.withInitial(this::predictor);
  private final LongAdder answered = new LongAdder();

  /**
   * @param folder where the model's program may be written
   */
  DjlDeployment(String name, ModelArtifact artifact, Path folder) {
    encoding = artifact.featureEncoding();
    reader = new RowReader(encoding);
    served =
        new ServedModel(
            name, "djl", artifact.architecture(), artifact.weightsDigest(), encoding, Map.of());
    Export.of(artifact).to(folder.resolve(name + ".pt"), TorchScript.format()).write();
    model = Model.newInstance(name, "PyTorch");
    try {
      model.load(folder, name);
    } catch (IOException | MalformedModelException e) {
      throw new IllegalStateException("DJL does not read the program", e);
    }
  }

  private Predictor<Map<String, Tensor>, float[]> predictor() {
    Predictor<Map<String, Tensor>, float[]> predictor = model.newPredictor(new Tensors());
    predictors.add(predictor);
    return predictor;
  }

  private static final class Tensors implements Translator<Map<String, Tensor>, float[]> {
    @Override
    public NDList processInput(TranslatorContext context, Map<String, Tensor> inputs) {
      NDManager manager = context.getNDManager();
      NDList arrays = new NDList();
      for (Tensor tensor : inputs.values()) {
        DataType type = tensor.dtype().floating() ? DataType.FLOAT32 : DataType.INT64;
        arrays.add(manager.create(tensor.bytes(), new Shape(tensor.shape()), type));
      }
      return arrays;
    }

    @Override
    public float[] processOutput(TranslatorContext context, NDList outputs) {
      NDArray probabilities = outputs.singletonOrThrow().softmax(1);
      return probabilities.toFloatArray();
    }
  }

  @Override
  public Answer predict(Row row) {
    long begin = System.nanoTime();
    reader.requireKnown(row);
    Map<String, Tensor> inputs = encoding.collate(List.of(encoding.encode(row, "row", 0)));
    float[] probabilities;
    try {
      probabilities = own.get().predict(inputs);
    } catch (TranslateException e) {
      throw new IllegalStateException("DJL could not predict", e);
    }
    List<String> labels = ((TargetEncoder.Label) encoding.target()).labels();
    List<Prediction.Alternative> all = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      all.add(new Prediction.Alternative(labels.get(i), probabilities[i]));
    }
    all.sort(Comparator.comparingDouble(Prediction.Alternative::probability).reversed());
    answered.increment();
    return new Answer(
        served.name(),
        served.version(),
        new Prediction.Label(all.get(0).label(), all.get(0).probability(), all),
        Duration.ofNanos(System.nanoTime() - begin));
  }

  @Override
  public Answer predict(String text) {
    return predict(reader.read(text));
  }

  @Override
  public Answer predict(Map<String, ? extends Object> cells) {
    return predict(reader.read(cells));
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    return CompletableFuture.completedFuture(predict(row));
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    return rows.stream().map(this::predict).toList();
  }

  @Override
  public ServedModel model() {
    return served;
  }

  @Override
  public DeploymentStats stats() {
    long rows = answered.sum();
    return new DeploymentStats(rows, 0, 0, rows, 1, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {
    predictors.forEach(Predictor::close);
    model.close();
  }
}
