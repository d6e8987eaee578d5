package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Parameter;
import io.athanor.api.model.ModelArtifact;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks for rows of numbers answer what DL4J answers. */
class RowNetworkTest {
  private static final INDArray ROWS = SavedNetwork.numbers(3, 6, 4);

  @TempDir Path folder;

  private static OutputLayer labels(LossFunction loss, int from, int to) {
    return new OutputLayer.Builder(loss)
        .nIn(from)
        .nOut(to)
        .activation(to == 1 ? Activation.SIGMOID : Activation.SOFTMAX)
        .build();
  }

  private static Layer labels() {
    return labels(LossFunction.MCXENT, 5, 3);
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nIn(4).nOut(5).activation(Activation.TANH);
  }

  private static MultiLayerNetwork network(Layer... layers) {
    return SavedNetwork.of(new NeuralNetConfiguration.Builder().seed(7).list(layers).build());
  }

  private ModelArtifact agrees(MultiLayerNetwork network, TargetEncoder target) throws IOException {
    return SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.rows(4, target),
        Map.of(FeatureEncoding.VECTOR, SavedNetwork.tensor(ROWS)),
        network.output(ROWS.dup()));
  }

  private ModelArtifact agrees(Layer... layers) throws IOException {
    return agrees(network(layers), SavedNetwork.labels(3));
  }

  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {
        "IDENTITY",
        "RELU",
        "LEAKYRELU",
        "ELU",
        "SELU",
        "TANH",
        "SIGMOID",
        "SOFTPLUS",
        "SWISH",
        "GELU",
        "MISH",
        "CUBE",
        "SOFTMAX"
      })
  void activationsAgree(Activation activation) throws IOException {
    agrees(dense().activation(activation).build(), labels());
  }

  static List<IActivation> bent() {
    return List.of(
        new ActivationLReLU(0.3),
        new ActivationELU(0.4),
        new ActivationGELU(true),
        new ActivationReLU(null, null, 0.2));
  }

  @ParameterizedTest
  @MethodSource("bent")
  void activationsWithSettingsAgree(IActivation activation) throws IOException {
    agrees(dense().activation(activation).build(), labels());
  }

  @Test
  void aLayerWithoutBiasAgrees() throws IOException {
    agrees(dense().hasBias(false).build(), labels());
  }

  @Test
  void aLossLayerAgrees() throws IOException {
    agrees(
        dense().nOut(3).activation(Activation.IDENTITY).build(),
        new LossLayer.Builder(LossFunction.NEGATIVELOGLIKELIHOOD)
            .activation(Activation.SOFTMAX)
            .build());
  }

  @Test
  void dropoutTakesTheShareThatIsNotKept() throws IOException {
    ModelArtifact model = agrees(dense().dropOut(0.8).build(), new DropoutLayer(0.5), labels());

    assertThat(
            model.graph().nodes().stream()
                .filter(node -> node.op() instanceof ElementOp.Dropout)
                .map(node -> ((ElementOp.Dropout) node.op()).rate()))
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-9 ? 0 : 1)
        .containsExactly(0.2, 0.5);
  }

  @Test
  void aFrozenLayerStaysFrozen() throws IOException {
    ModelArtifact model =
        agrees(
            new FrozenLayer(dense().dropOut(0.5).build()),
            new ActivationLayer(Activation.RELU),
            labels());

    assertThat(model.graph().parameters().stream().filter(Parameter::trained).map(Parameter::name))
        .containsExactly("layers.2.weight", "layers.2.bias");
    assertThat(model.graph().nodes()).noneMatch(node -> node.op() instanceof ElementOp.Dropout);
  }

  @ParameterizedTest
  @MethodSource("normalisations")
  void batchNormalisationAgrees(BatchNormalization layer) throws IOException {
    agrees(dense().build(), layer, labels());
  }

  static List<BatchNormalization> normalisations() {
    return List.of(
        new BatchNormalization.Builder().nIn(5).nOut(5).build(),
        new BatchNormalization.Builder().nIn(5).nOut(5).useLogStd(false).eps(1e-3).build(),
        new BatchNormalization.Builder(1.5, -0.5, true).nIn(5).nOut(5).build());
  }

  @Test
  void oneSigmoidIsTheSecondOfTwoLabels() throws IOException {
    agrees(network(dense().build(), labels(LossFunction.XENT, 5, 1)), SavedNetwork.labels(2));
  }

  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"IDENTITY", "TANH"})
  void aNumberAgrees(Activation activation) throws IOException {
    agrees(
        network(
            dense().build(),
            new OutputLayer.Builder(LossFunction.MSE)
                .nIn(5)
                .nOut(1)
                .activation(activation)
                .build()),
        SavedNetwork.number());
  }

  @Test
  void doublesAgree() throws IOException {
    MultiLayerNetwork network =
        SavedNetwork.of(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .list(dense().build(), labels())
                .build());
    agrees(network, SavedNetwork.labels(3));
  }

  @Test
  void anIndexIsACategory() throws IOException {
    List<String> colours = List.of("red", "green", "blue", "grey");
    MultiLayerNetwork network =
        network(
            new EmbeddingLayer.Builder()
                .nIn(4)
                .nOut(5)
                .hasBias(true)
                .activation(Activation.TANH)
                .build(),
            labels());

    SavedNetwork.agrees(
        folder,
        network,
        new FeatureEncoding(
            List.of(new Encoder.OneHot("colour", colours, Encoder.OneHot.Unknown.REFUSE)),
            SavedNetwork.labels(3),
            Optional.empty()),
        Map.of(
            FeatureEncoding.VECTOR,
            Tensor.ofFloats(new float[] {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1}, 3, 4)),
        network.output(Nd4j.createFromArray(new float[][] {{2}, {0}, {3}})));
  }

  @Test
  void provenanceSaysWhatTheFileSays() throws IOException {
    MultiLayerNetwork network = network(dense().build(), labels());
    INDArray targets =
        Nd4j.eye(3).castTo(DataType.FLOAT).get(Nd4j.createFromArray(0, 1, 2, 0, 1, 2));
    for (int i = 0; i < 4; i++) {
      network.fit(ROWS, targets);
    }
    network.getLayerWiseConfigurations().setEpochCount(2);

    ModelArtifact model = agrees(network, SavedNetwork.labels(3));

    assertThat(model.architecture()).isEqualTo("dl4j");
    assertThat(model.provenance().seed()).isEqualTo(7);
    assertThat(model.provenance().environment())
        .containsEntry("format", "DL4J MultiLayerNetwork")
        .containsEntry("iterations", "4")
        .containsEntry("epochs", "2")
        .containsEntry("updater", "Sgd")
        .containsEntry(
            "configuration.sha256",
            Digest.ofText(network.getLayerWiseConfigurations().toJson()).hex())
        .containsKey("sha256");
  }
}
