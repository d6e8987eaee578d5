package io.athanor.backend.dl4j;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.backend.djl.DjlBackendProvider;
import io.athanor.model.Models;
import io.athanor.model.arch.TextEncoder;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** An architecture that users train, with data of its shape. */
record Network(String name, Architecture architecture, Signature signature) {
  private static final int VOCABULARY = 61;
  private static final Task LABEL = new Task.Classification("label", List.of("a", "b", "c"));
  private static final Feature TEXT = new Feature.Tokens("body", VOCABULARY, 16);
  private static final Feature TOKENS = new Feature.Tokens(LanguageEncoding.TOKENS, VOCABULARY, 16);
  private static final double RATE = 1e-2;

  static Backend dl4j() {
    return new Dl4jBackendProvider().open(BackendOptions.defaults());
  }

  static Backend djl() {
    return new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
  }

  /** Every architecture there is, without randomness in training. */
  static Stream<Network> all() {
    return Stream.concat(
        withDropout(0),
        Stream.of(
            of("bag of words", Models.bagOfWords().embeddingSize(6).hidden(8).dropout(0), TEXT),
            of(
                "lstm of 2 layers",
                Models.lstm(6, 5).pooling(SequencePool.Kind.LAST).embeddingSize(6).dropout(0),
                TEXT),
            of("encoder, norms behind", encoder(0).norm(TextEncoder.Norm.POST), TEXT),
            of("encoder, rotary", encoder(0).positions(TextEncoder.Positions.ROTARY), TEXT),
            of("bert", published("bert-classification"), TOKENS),
            of("gpt2 classifier", published("gpt2-classification"), TOKENS),
            generator("gpt2", published("gpt2")),
            generator("llama", Models.llama(2, 16, 4, 2, 32)),
            generator("published llama", published("llama")),
            generator("gemma2", published("gemma2"))));
  }

  /** One architecture of each kind of layer that may drop out. */
  static Stream<Network> withDropout(double rate) {
    return Stream.of(
        of("mlp", Models.mlp(16, 8).dropout(rate), new Feature.Vector("features", 5)),
        of("cnn", Models.cnn(4, 6).dropout(rate), new Feature.Image("picture", 1, 8, 8)),
        of("lstm", Models.lstm(8).embeddingSize(6).dropout(rate), TEXT),
        of("gru", Models.gru(8).embeddingSize(6).dropout(rate), TEXT),
        of("encoder", encoder(rate), TEXT));
  }

  private static TextEncoder encoder(double dropout) {
    return Models.textClassifier().layers(2).size(8).heads(2).feedForward(16).dropout(dropout);
  }

  private static Network of(String name, Architecture architecture, Feature feature) {
    return new Network(name, architecture, new Signature(List.of(feature), LABEL));
  }

  private static Network generator(String name, Architecture architecture) {
    Task task = new Task.Generation("text");
    return new Network(name, architecture, new Signature(List.of(TOKENS), task));
  }

  /** A tiny model as Hugging Face has them. */
  static Architecture published(String name) {
    try {
      Path folder =
          Path.of(Objects.requireNonNull(Network.class.getResource("/parity/" + name)).toURI());
      return Models.huggingFace(folder);
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  Graph graph() {
    return architecture.graph(signature);
  }

  Weights weights() {
    return architecture.weights(graph(), 3);
  }

  /** Random rows; each has a real position, and what is scored varies. */
  MicroBatch batch(long seed) {
    int rows = 4;
    int length = 7;
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Input input : graph().inputs()) {
      long[] shape =
          input.type().shape().resolve(Map.of("batch", (long) rows, "sequence", (long) length));
      int count = Math.toIntExact(Tensor.elements(shape));
      if (input.name().endsWith(".mask")) {
        float[] mask = new float[count];
        for (int row = 0; row < rows; row++) {
          int real = random.nextInt(2, length + 1);
          Arrays.fill(mask, row * length, row * length + real, 1);
        }
        tensors.put(input.name(), Tensor.ofFloats(mask, shape));
      } else if (input.type().dtype() == DType.I64) {
        boolean label = input.name().equals(Signature.TARGET) && shape.length == 1;
        long[] ids = random.longs(count, 2, label ? 5 : VOCABULARY).toArray();
        for (int i = 0; i < count && label; i++) {
          ids[i] -= 2;
        }
        tensors.put(input.name(), Tensor.ofLongs(ids, shape));
      } else {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
          values[i] = (float) random.nextGaussian();
        }
        tensors.put(input.name(), Tensor.ofFloats(values, shape));
      }
    }
    return new MicroBatch(tensors, rows);
  }

  /** Steps on the batches of these numbers. */
  List<StepResult> train(TrainableModel model, int from, int to) {
    List<StepResult> results = new ArrayList<>();
    for (int step = from; step < to; step++) {
      results.add(model.step(List.of(batch(100 + step)), new StepSettings(RATE, 1)));
    }
    return results;
  }

  float[] predict(Backend backend, Weights weights) {
    try (CompiledModel model = backend.compile(graph().forPrediction(), weights, Precision.F32)) {
      return model.predict(batch(1).tensors()).get(Signature.OUTPUT).floats();
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
