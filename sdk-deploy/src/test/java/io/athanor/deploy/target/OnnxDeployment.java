package io.athanor.deploy.target;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.EncodingJson;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A device: knows the files of a bundle and ONNX Runtime, and nothing else of the model. */
final class OnnxDeployment implements Deployment {
  private final OrtSession session;
  private final ServedModel model;
  private final List<String> labels;

  OnnxDeployment(Path bundle) {
    JsonFields manifest = EdgeBundle.verify(bundle);
    try {
      Path tokens = bundle.resolve("tokenizer.json");
      Optional<Tokenizer> tokenizer =
          Files.exists(tokens)
              ? Optional.of(Tokenizers.read("tokenizer", Files.readString(tokens)))
              : Optional.empty();
      labels =
          manifest.has("labels") ? Files.readAllLines(bundle.resolve("labels.txt")) : List.of();
      model =
          new ServedModel(
              "device",
              "1",
              manifest.text("architecture"),
              new Digest(manifest.text("weights")),
              EncodingJson.read("bundle", manifest.node("encoding"), tokenizer, Optional.empty()),
              Map.of());
      session =
          OrtEnvironment.getEnvironment().createSession(bundle.resolve("model.onnx").toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public Answer predict(Row row) {
    FeatureEncoding encoding = model.features();
    Map<String, Tensor> tensors = encoding.collate(List.of(encoding.encode(row, "device", 0)));
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      for (String name : session.getInputNames()) {
        inputs.put(name, tensor(tensors.get(name)));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        float[] output = ((float[][]) result.get(0).getValue())[0];
        return new Answer("device", "1", prediction(encoding, output), Duration.ZERO);
      }
    } catch (OrtException e) {
      throw new AssertionError(e);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private Prediction prediction(FeatureEncoding encoding, float[] output) {
    if (encoding.target() instanceof TargetEncoder.Quantity quantity) {
      return new Prediction.Quantity(output[0] * quantity.deviation() + quantity.mean());
    }
    double sum = 0;
    for (float logit : output) {
      sum += Math.exp(logit);
    }
    List<Prediction.Alternative> all = new ArrayList<>();
    for (int i = 0; i < output.length; i++) {
      all.add(new Prediction.Alternative(labels.get(i), Math.exp(output[i]) / sum));
    }
    all.sort(Comparator.comparingDouble(Prediction.Alternative::probability).reversed());
    return new Prediction.Label(all.get(0).label(), all.get(0).probability(), all);
  }

  private static OnnxTensor tensor(Tensor tensor) throws OrtException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(tensor.bytes().remaining());
    bytes.order(ByteOrder.LITTLE_ENDIAN).put(tensor.bytes()).flip();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    return tensor.dtype() == DType.I64
        ? OnnxTensor.createTensor(environment, bytes.asLongBuffer(), tensor.shape())
        : OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), tensor.shape());
  }

  @Override
  public Answer predict(String text) {
    return predict(new RowReader(model.features()).read(text));
  }

  @Override
  public Answer predict(Map<String, ?> cells) {
    return predict(Row.of(cells));
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
  public DeploymentStats stats() {
    return new DeploymentStats(0, 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }
}
