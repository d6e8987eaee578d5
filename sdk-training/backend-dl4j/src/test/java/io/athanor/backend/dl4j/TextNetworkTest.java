package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Parameter;
import io.athanor.api.model.ModelArtifact;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks for texts of different lengths answer what DL4J answers. */
class TextNetworkTest {
  private static final int WORDS = 9;
  private static final float[][] IDS = {{3, 1, 8, 2, 5}, {4, 7, 0, 0, 0}, {6, 2, 2, 7, 0}};
  private static final int[] LENGTHS = {5, 2, 4};

  @TempDir Path folder;

  private static INDArray mask() {
    float[][] mask = new float[IDS.length][IDS[0].length];
    for (int row = 0; row < mask.length; row++) {
      Arrays.fill(mask[row], 0, LENGTHS[row], 1);
    }
    return Nd4j.createFromArray(mask);
  }

  private static Map<String, Tensor> inputs() {
    long[] ids = new long[IDS.length * IDS[0].length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (long) IDS[i / IDS[0].length][i % IDS[0].length];
    }
    return Map.of(
        "body",
        Tensor.ofLongs(ids, IDS.length, IDS[0].length),
        "body.mask",
        SavedNetwork.tensor(mask()));
  }

  private static EmbeddingSequenceLayer embedding(boolean bias) {
    return new EmbeddingSequenceLayer.Builder()
        .nIn(WORDS)
        .nOut(4)
        .hasBias(bias)
        .activation(bias ? Activation.TANH : Activation.IDENTITY)
        .build();
  }

  private static LSTM lstm(int in) {
    return new LSTM.Builder().nIn(in).nOut(5).activation(Activation.TANH).build();
  }

  private static Layer labels() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(5)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork network(Layer... layers) {
    return SavedNetwork.of(new NeuralNetConfiguration.Builder().seed(7).list(layers).build());
  }

  private static INDArray output(MultiLayerNetwork network) {
    INDArray ids = Nd4j.createFromArray(IDS).reshape(IDS.length, 1, IDS[0].length);
    return network.output(ids, false, mask(), null);
  }

  private ModelArtifact agrees(MultiLayerNetwork network, INDArray expected) throws IOException {
    return SavedNetwork.agrees(
        folder, network, SavedNetwork.texts(WORDS, SavedNetwork.labels(3)), inputs(), expected);
  }

  @Test
  void lastStepsAgree() throws IOException {
    MultiLayerNetwork network =
        network(embedding(false), lstm(4), new LastTimeStep(lstm(5)), labels());

    ModelArtifact model = agrees(network, output(network));

    assertThat(model.graph().parameters().stream().filter(p -> !p.trained()).map(Parameter::name))
        .containsExactly("layers.1.bias_hh_l0", "layers.2.bias_hh_l0");
  }

  @ParameterizedTest
  @EnumSource(
      value = PoolingType.class,
      names = {"AVG", "MAX"})
  void poolingOverTimeAgrees(PoolingType type) throws IOException {
    MultiLayerNetwork network =
        network(embedding(true), lstm(4), new GlobalPoolingLayer.Builder(type).build(), labels());

    agrees(network, output(network));
  }

  @Test
  void anOutputForEveryStepAnswersAtTheLast() throws IOException {
    MultiLayerNetwork network =
        SavedNetwork.of(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .list()
                .layer(embedding(false))
                .layer(lstm(4))
                .layer(new DenseLayer.Builder().nOut(6).activation(Activation.RELU).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(WORDS))
                .build());
    INDArray every = output(network);
    INDArray last = Nd4j.create(IDS.length, 3);
    for (int row = 0; row < IDS.length; row++) {
      for (int i = 0; i < 3; i++) {
        last.putScalar(row, i, every.getFloat(row, i, LENGTHS[row] - 1));
      }
    }

    ModelArtifact model = agrees(network, last);

    assertThat(model.graph().outputs()).hasSize(1);
    assertThat(List.of(model.weights().tensor("layers.0.weight").shape()))
        .containsExactly(new long[] {WORDS, 4});
  }

  @Test
  void anLstmTakesIdsAsOneFeatureEach() throws IOException {
    MultiLayerNetwork network = network(new LastTimeStep(lstm(WORDS)), labels());
    INDArray features = Nd4j.zeros(IDS.length, WORDS, IDS[0].length);
    for (int row = 0; row < IDS.length; row++) {
      for (int t = 0; t < IDS[0].length; t++) {
        features.putScalar(new long[] {row, (long) IDS[row][t], t}, 1);
      }
    }

    ModelArtifact model = agrees(network, network.output(features, false, mask(), null));

    assertThat(model.graph().parameters().stream().filter(Parameter::trained)).hasSize(5);
  }

  @Test
  void aTokenizerThatKnowsMoreThanTheNetworkIsRefused() throws IOException {
    Path file = SavedNetwork.save(folder, network(embedding(false), lstm(4), labels()));

    assertThatExceptionOfType(ValidationException.class)
        .isThrownBy(() -> Dl4jNetwork.read(file, SavedNetwork.texts(12, SavedNetwork.labels(3))))
        .withMessageContaining("the layer knows 9 tokens, the encoding's tokenizer has 12");
  }
}
