package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** What no operation of the graph stands for is refused: the layer, the reason and the remedy. */
class UnsupportedNetworkTest {
  private static final FeatureEncoding ROWS = SavedNetwork.rows(4, SavedNetwork.labels(3));
  private static final FeatureEncoding PICTURES =
      SavedNetwork.pictures(3, 6, 6, SavedNetwork.labels(3));
  private static final FeatureEncoding TEXTS = SavedNetwork.texts(9, SavedNetwork.labels(3));

  @TempDir Path folder;

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nIn(4).nOut(5).activation(Activation.TANH);
  }

  private static OutputLayer.Builder output(Activation activation, int labels) {
    return new OutputLayer.Builder().nIn(5).nOut(labels).activation(activation);
  }

  private static Layer labels() {
    return output(Activation.SOFTMAX, 3).lossFunction(LossFunction.MCXENT).build();
  }

  private static Model rows(Layer... layers) {
    return SavedNetwork.of(
        new NeuralNetConfiguration.Builder().list(layers).validateOutputLayerConfig(false).build());
  }

  private static Model pictures(Layer first) {
    return pictures(first, CNN2DFormat.NCHW);
  }

  private static Model pictures(Layer first, CNN2DFormat format) {
    return SavedNetwork.of(
        new NeuralNetConfiguration.Builder()
            .list()
            .layer(first)
            .layer(
                new OutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(3)
                    .activation(Activation.SOFTMAX)
                    .build())
            .setInputType(InputType.convolutional(6, 6, 3, format))
            .build());
  }

  private static Model texts(Layer second) {
    return rows(
        new EmbeddingSequenceLayer.Builder().nIn(9).nOut(4).build(),
        new LastTimeStep(second),
        labels());
  }

  private static ConvolutionLayer.Builder convolution() {
    return new ConvolutionLayer.Builder(3, 3).nOut(4);
  }

  @SuppressWarnings("deprecation") // what is refused may be old
  static Stream<Arguments> networks() {
    return Stream.of(
        Arguments.of(
            ROWS,
            rows(dense().activation(Activation.RATIONALTANH).build(), labels()),
            "layer 0 is activated by ActivationRationalTanh",
            "Use one of identity, relu"),
        Arguments.of(
            ROWS,
            rows(dense().dropOut(new GaussianDropout(0.5)).build(), labels()),
            "layer 0 is trained with GaussianDropout",
            "Use the dropout class Dropout"),
        Arguments.of(
            ROWS,
            rows(dense().weightNoise(new DropConnect(0.5)).build(), labels()),
            "layer 0 is trained with noise on its weights",
            "Save the network without weight noise"),
        Arguments.of(
            ROWS,
            rows(dense().hasLayerNorm(true).build(), labels()),
            "layer 0 is a layer with a layer normalisation inside",
            "Use hasLayerNorm(false)"),
        Arguments.of(
            ROWS,
            rows(
                dense().build(),
                new FrozenLayer(new BatchNormalization.Builder().nIn(5).nOut(5).build()),
                labels()),
            "layer 1 is a frozen batch normalisation",
            "Unfreeze it"),
        Arguments.of(
            ROWS,
            rows(
                dense().build(),
                output(Activation.SOFTMAX, 3).lossFunction(LossFunction.MSE).build()),
            "layer 1 is an output with ActivationSoftmax and LossMSE for labels",
            "Use softmax with MCXENT"),
        Arguments.of(
            ROWS,
            rows(
                dense().build(),
                output(Activation.SIGMOID, 3).lossFunction(LossFunction.XENT).build()),
            "layer 1 is an output with ActivationSigmoid and LossBinaryXENT for labels",
            "for two labels one sigmoid with XENT"),
        Arguments.of(
            ROWS,
            rows(
                dense().build(),
                output(Activation.SOFTMAX, 3)
                    .lossFunction(new LossMCXENT(Nd4j.createFromArray(1f, 2f, 3f).reshape(1, 3)))
                    .build()),
            "layer 1 is an output with a weighted loss",
            "Use a loss without weights"),
        Arguments.of(
            ROWS,
            rows(dense().build(), dense().nIn(5).nOut(3).build()),
            "layer 1 is the output, but DenseLayer has no loss",
            "End the network with one OutputLayer"),
        Arguments.of(
            ROWS,
            SavedNetwork.of(
                new NeuralNetConfiguration.Builder()
                    .dataType(DataType.HALF)
                    .list(dense().build(), labels())
                    .build()),
            "coefficients.bin: parameters of type HALF",
            "convertDataType(DataType.FLOAT)"),
        Arguments.of(
            PICTURES,
            pictures(convolution().dilation(2, 2).build()),
            "layer 0 is dilated",
            "dilation of 1"),
        Arguments.of(
            PICTURES,
            pictures(convolution().stride(1, 2).build()),
            "layer 0 is a window with different strides",
            "the same stride"),
        Arguments.of(
            PICTURES,
            pictures(convolution().dataFormat(CNN2DFormat.NHWC).build(), CNN2DFormat.NHWC),
            "layer 0 is of the data format NHWC",
            "NCHW"),
        Arguments.of(
            PICTURES,
            pictures(
                new SubsamplingLayer.Builder(PoolingType.AVG)
                    .kernelSize(3, 3)
                    .stride(1, 1)
                    .padding(1, 1)
                    .build()),
            "layer 0 is a mean that leaves the padding out",
            "avgPoolIncludePadInDivisor(true)"),
        Arguments.of(
            PICTURES,
            pictures(new LocalResponseNormalization.Builder().build()),
            "layer 0 is of the kind LocalResponseNormalization",
            "replace the layer"),
        Arguments.of(
            TEXTS,
            texts(new LSTM.Builder().nIn(4).nOut(5).activation(Activation.SIGMOID).build()),
            "layer 1 is an LSTM with other functions than tanh",
            "activation(Activation.TANH)"),
        Arguments.of(
            TEXTS,
            texts(new GravesLSTM.Builder().nIn(4).nOut(5).activation(Activation.TANH).build()),
            "layer 1 is of the kind GravesLSTM",
            "replace the layer"),
        Arguments.of(
            TEXTS,
            texts(
                new Bidirectional(
                    Bidirectional.Mode.ADD, new LSTM.Builder().nIn(4).nOut(5).build())),
            "layer 1 is of the kind Bidirectional",
            "replace the layer"),
        Arguments.of(
            ROWS,
            SavedNetwork.of(
                new NeuralNetConfiguration.Builder()
                    .graphBuilder()
                    .addInputs("in")
                    .addVertex("shifted", new ShiftVertex(1), "in")
                    .addLayer("hidden", dense().build(), "shifted")
                    .addLayer("out", labels(), "hidden")
                    .setOutputs("out")
                    .build()),
            "vertex shifted is of the kind ShiftVertex",
            "replace the vertex"),
        Arguments.of(
            ROWS,
            SavedNetwork.of(
                new NeuralNetConfiguration.Builder()
                    .graphBuilder()
                    .addInputs("in")
                    .addLayer("hidden", dense().build(), "in")
                    .addLayer("one", labels(), "hidden")
                    .addLayer("two", labels(), "hidden")
                    .setOutputs("one", "two")
                    .build()),
            "a ComputationGraph with the outputs [one, two]",
            "with one output"));
  }

  @ParameterizedTest(name = "{2}")
  @MethodSource("networks")
  void itIsRefusedWithReasonAndRemedy(
      FeatureEncoding encoding, Model network, String reason, String remedy) throws IOException {
    Path file = SavedNetwork.save(folder, network);

    assertThatExceptionOfType(UnsupportedException.class)
        .isThrownBy(() -> Dl4jNetwork.read(file, encoding))
        .satisfies(
            e -> {
              assertThat(e.reason()).contains(reason);
              assertThat(e.remedy()).contains(remedy);
            });
  }
}
