package io.athanor.backend.dl4j;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.athanor.api.backend.Backend;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.model.ModelArtifact;
import io.athanor.backend.djl.TorchScript;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks for pictures answer what DL4J answers. */
class ImageNetworkTest {
  private static final int CHANNELS = 3;
  private static final int HEIGHT = 7;
  private static final int WIDTH = 6;
  private static final INDArray PICTURES = SavedNetwork.numbers(4, 5, CHANNELS, HEIGHT, WIDTH);

  @TempDir Path folder;

  private static MultiLayerNetwork network(InputType type, List<Layer> layers) {
    NeuralNetConfiguration.ListBuilder list =
        new NeuralNetConfiguration.Builder().seed(7).activation(Activation.TANH).list();
    layers.forEach(list::layer);
    list.layer(
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(3)
            .activation(Activation.SOFTMAX)
            .build());
    return SavedNetwork.of(list.setInputType(type).build());
  }

  private void agrees(Layer... layers) throws IOException {
    MultiLayerNetwork network =
        network(InputType.convolutional(HEIGHT, WIDTH, CHANNELS), List.of(layers));
    SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.pictures(CHANNELS, HEIGHT, WIDTH, SavedNetwork.labels(3)),
        Map.of("picture", SavedNetwork.tensor(PICTURES)),
        network.output(PICTURES.dup()));
  }

  private static ConvolutionLayer.Builder convolution(int height, int width) {
    return new ConvolutionLayer.Builder(height, width).nOut(4);
  }

  private static SubsamplingLayer.Builder pooling(PoolingType type, int side, int stride) {
    return new SubsamplingLayer.Builder(type).kernelSize(side, side).stride(stride, stride);
  }

  static Stream<Arguments> convolutions() {
    return Stream.of(
        Arguments.of("truncated", convolution(3, 3)),
        Arguments.of("in steps of two", convolution(3, 3).stride(2, 2)),
        Arguments.of("padded", convolution(3, 3).padding(1, 1)),
        Arguments.of("padded unevenly", convolution(3, 3).padding(2, 0)),
        Arguments.of("not square", convolution(2, 3)),
        Arguments.of("without bias", convolution(2, 2).hasBias(false)),
        Arguments.of("same", convolution(3, 3).convolutionMode(ConvolutionMode.Same)),
        Arguments.of("same, even window", convolution(2, 2).convolutionMode(ConvolutionMode.Same)),
        Arguments.of(
            "same, in steps of two",
            convolution(3, 3).stride(2, 2).convolutionMode(ConvolutionMode.Same)),
        Arguments.of(
            "same, large window",
            convolution(5, 4).stride(3, 3).convolutionMode(ConvolutionMode.Same)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("convolutions")
  void convolutionsAgree(String name, ConvolutionLayer.Builder layer) throws IOException {
    agrees(layer.build());
  }

  static Stream<Arguments> poolings() {
    return Stream.of(
        Arguments.of("max", pooling(PoolingType.MAX, 2, 2)),
        Arguments.of("max, overlapping", pooling(PoolingType.MAX, 3, 1)),
        Arguments.of("max, padded", pooling(PoolingType.MAX, 3, 2).padding(1, 1)),
        Arguments.of("max, padded widely", pooling(PoolingType.MAX, 3, 1).padding(2, 1)),
        Arguments.of(
            "max, same", pooling(PoolingType.MAX, 2, 2).convolutionMode(ConvolutionMode.Same)),
        Arguments.of(
            "max, same, large",
            pooling(PoolingType.MAX, 4, 3).convolutionMode(ConvolutionMode.Same)),
        Arguments.of("mean", pooling(PoolingType.AVG, 2, 2)),
        Arguments.of(
            "mean, with padding counted",
            pooling(PoolingType.AVG, 3, 2).padding(1, 1).avgPoolIncludePadInDivisor(true)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("poolings")
  void poolingsAgree(String name, SubsamplingLayer.Builder layer) throws IOException {
    agrees(layer.build());
  }

  @Test
  void bordersAgree() throws IOException {
    agrees(
        new ZeroPaddingLayer.Builder(1, 2, 0, 3).build(),
        convolution(2, 2).build(),
        new Cropping2D.Builder(1, 0, 2, 1).build(),
        new DenseLayer.Builder().nOut(6).build());
  }

  @Test
  void batchNormalisationAgrees() throws IOException {
    agrees(convolution(3, 3).build(), new BatchNormalization.Builder().build());
  }

  @ParameterizedTest
  @MethodSource("global")
  void globalPoolingAgrees(PoolingType type) throws IOException {
    agrees(convolution(3, 3).build(), new GlobalPoolingLayer.Builder(type).build());
  }

  static List<PoolingType> global() {
    return List.of(PoolingType.AVG, PoolingType.MAX, PoolingType.SUM);
  }

  @Test
  void flatPicturesAreRowsOrPictures() throws IOException {
    MultiLayerNetwork network =
        network(
            InputType.convolutionalFlat(HEIGHT, WIDTH, CHANNELS),
            List.of(convolution(3, 3).build(), pooling(PoolingType.MAX, 2, 2).build()));
    INDArray rows = PICTURES.dup().reshape(5, CHANNELS * HEIGHT * WIDTH);
    INDArray expected = network.output(rows);

    SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.rows(CHANNELS * HEIGHT * WIDTH, SavedNetwork.labels(3)),
        Map.of(FeatureEncoding.VECTOR, SavedNetwork.tensor(rows)),
        expected);
    SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.pictures(CHANNELS, HEIGHT, WIDTH, SavedNetwork.labels(3)),
        Map.of("picture", SavedNetwork.tensor(PICTURES)),
        expected);
  }

  @Test
  void aDenseLayerTakesPicturesFlattened() throws IOException {
    int pixels = CHANNELS * HEIGHT * WIDTH;
    MultiLayerNetwork network =
        network(InputType.feedForward(pixels), List.of(new DenseLayer.Builder().nOut(5).build()));

    SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.pictures(CHANNELS, HEIGHT, WIDTH, SavedNetwork.labels(3)),
        Map.of("picture", SavedNetwork.tensor(PICTURES)),
        network.output(PICTURES.dup().reshape(5, pixels)));
  }

  @Test
  void itLeavesAsTorchScriptAndOnnx() throws IOException, OrtException {
    MultiLayerNetwork network =
        network(
            InputType.convolutional(HEIGHT, WIDTH, CHANNELS),
            List.of(
                convolution(2, 2).stride(2, 2).convolutionMode(ConvolutionMode.Same).build(),
                pooling(PoolingType.MAX, 3, 2).convolutionMode(ConvolutionMode.Same).build(),
                new BatchNormalization.Builder().build()));
    FeatureEncoding encoding =
        SavedNetwork.pictures(CHANNELS, HEIGHT, WIDTH, SavedNetwork.labels(3));
    ModelArtifact model = Dl4jNetwork.read(SavedNetwork.save(folder, network), encoding);
    Path script = folder.resolve("network.pt");
    Path onnx = folder.resolve("network.onnx");

    TorchScript.write(script, model);
    OnnxModel.write(onnx, model, OnnxPrecision.F32);

    INDArray expected = network.output(PICTURES.dup());
    try (Backend djl = Network.djl()) {
      SavedNetwork.close(
          SavedNetwork.answers(
              TorchScript.read(script, encoding),
              Map.of("picture", SavedNetwork.tensor(PICTURES)),
              djl),
          expected);
    }
    OrtEnvironment runtime = OrtEnvironment.getEnvironment();
    try (OrtSession session = runtime.createSession(onnx.toString());
        OnnxTensor pictures =
            OnnxTensor.createTensor(
                runtime, SavedNetwork.tensor(PICTURES).bytes().asFloatBuffer(), PICTURES.shape());
        OrtSession.Result result = session.run(Map.of("picture", pictures))) {
      float[][] answers = (float[][]) result.get(0).getValue();
      SavedNetwork.softmax(answers);
      SavedNetwork.close(answers, expected);
    }
  }
}
