package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.model.ModelArtifact;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Networks that DL4J builds and saves, with numbers that no initialiser gives. */
final class SavedNetwork {
  private SavedNetwork() {}

  static MultiLayerNetwork of(MultiLayerConfiguration configuration) {
    MultiLayerNetwork network = new MultiLayerNetwork(configuration);
    network.init();
    return shaken(network);
  }

  static ComputationGraph of(ComputationGraphConfiguration configuration) {
    ComputationGraph network = new ComputationGraph(configuration);
    network.init();
    return shaken(network);
  }

  private static <M extends Model> M shaken(M network) {
    INDArray params = network.params();
    params.addi(numbers(11, params.length()).reshape(params.shape()).mul(0.2));
    return network;
  }

  /** Zips have no folder of their own: each is replaced by the next of its name. */
  static Path save(Path folder, Model network) throws IOException {
    Path file = folder.resolve("network.zip");
    Files.deleteIfExists(file);
    ModelSerializer.writeModel(network, file.toFile(), true);
    return file;
  }

  /** Normally distributed, the same for the same seed and shape. */
  static INDArray numbers(long seed, long... shape) {
    return Nd4j.createFromArray(floats(seed, shape)).reshape(shape);
  }

  static Tensor tensor(INDArray array) {
    return Tensor.ofFloats(array.dup('c').reshape(array.length()).toFloatVector(), array.shape());
  }

  private static float[] floats(long seed, long... shape) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  static TargetEncoder labels(int count) {
    return new TargetEncoder.Label(
        "label", IntStream.range(0, count).mapToObj(i -> "label " + i).toList());
  }

  static TargetEncoder number() {
    return new TargetEncoder.Quantity("amount", 0, 1);
  }

  /** Rows of numbers, as they are. */
  static FeatureEncoding rows(int width, TargetEncoder target) {
    List<Encoder> encoders = new ArrayList<>();
    for (int i = 0; i < width; i++) {
      encoders.add(new Encoder.Standardize("x" + i, 0, 1));
    }
    return new FeatureEncoding(encoders, target, Optional.empty());
  }

  static FeatureEncoding pictures(int channels, int height, int width, TargetEncoder target) {
    return new FeatureEncoding(
        List.of(new Encoder.Image("picture", channels, height, width, 0, 1)),
        target,
        Optional.empty());
  }

  /** Texts of so many different tokens. */
  static FeatureEncoding texts(int vocabulary, TargetEncoder target) {
    String words =
        IntStream.range(2, vocabulary).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
    Tokenizer tokenizer = WordTokenizer.fit(List.of(words), vocabulary, 1);
    assertThat(tokenizer.vocabularySize()).isEqualTo(vocabulary);
    return new FeatureEncoding(
        List.of(new Encoder.Text("body", 16)), target, Optional.of(tokenizer));
  }

  /** What the network answers: probabilities of the labels, or numbers. */
  static float[][] answers(ModelArtifact model, Map<String, Tensor> inputs, Backend backend) {
    Tensor output;
    try (CompiledModel compiled =
        backend.compile(model.graph().forPrediction(), model.weights(), Precision.F32)) {
      output = compiled.predict(inputs).get(Signature.OUTPUT);
    }
    int width = (int) output.size(1);
    float[] values = output.floats();
    float[][] answers = new float[values.length / width][width];
    for (int i = 0; i < values.length; i++) {
      answers[i / width][i % width] = values[i];
    }
    if (model.featureEncoding().target() instanceof TargetEncoder.Label) {
      softmax(answers);
    }
    return answers;
  }

  /** Probabilities in place of logits. */
  static void softmax(float[][] rows) {
    for (float[] row : rows) {
      double sum = 0;
      for (float logit : row) {
        sum += Math.exp(logit);
      }
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) (Math.exp(row[i]) / sum);
      }
    }
  }

  /** Reads what DL4J saves of a network and compares what both answer. */
  static ModelArtifact agrees(
      Path folder,
      Model network,
      FeatureEncoding encoding,
      Map<String, Tensor> inputs,
      INDArray expected)
      throws IOException {
    ModelArtifact model = Dl4jNetwork.read(save(folder, network), encoding);
    try (Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults());
        Backend dl4j = Network.dl4j()) {
      close(answers(model, inputs, reference), expected);
      close(answers(model, inputs, dl4j), expected);
    }
    return model;
  }

  /** One sigmoid is the probability of the second label. */
  static void close(float[][] answers, INDArray expected) {
    assertThat(answers).hasDimensions((int) expected.size(0), answers[0].length);
    double spread = 0;
    for (int row = 0; row < answers.length; row++) {
      for (int i = 0; i < expected.size(1); i++) {
        float actual = answers[row][expected.size(1) == 1 ? answers[0].length - 1 : i];
        assertThat(actual).isCloseTo(expected.getFloat(row, i), within(1e-5f));
        spread = Math.max(spread, Math.abs(expected.getFloat(0, i) - expected.getFloat(row, i)));
      }
    }
    assertThat(spread).as("answers that differ from row to row").isGreaterThan(1e-3);
  }
}
