package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.model.ModelArtifact;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks whose layers branch and join answer what DL4J answers. */
class ComputationGraphTest {
  private static final INDArray ROWS = SavedNetwork.numbers(3, 6, 4);

  @TempDir Path folder;

  private static GraphBuilder graph(String... inputs) {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .activation(Activation.TANH)
        .graphBuilder()
        .addInputs(inputs)
        .setOutputs("out");
  }

  private static OutputLayer labels(int in) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(in)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer dense(int in, int out) {
    return new DenseLayer.Builder().nIn(in).nOut(out).build();
  }

  private ModelArtifact agrees(GraphBuilder graph) throws IOException {
    ComputationGraph network = SavedNetwork.of(graph.build());
    return SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.rows(4, SavedNetwork.labels(3)),
        Map.of(FeatureEncoding.VECTOR, SavedNetwork.tensor(ROWS)),
        network.outputSingle(ROWS.dup()));
  }

  @ParameterizedTest
  @EnumSource(ElementWiseVertex.Op.class)
  void elementWiseVerticesAgree(ElementWiseVertex.Op op) throws IOException {
    GraphBuilder graph =
        graph("in").addLayer("a", dense(4, 5), "in").addLayer("b", dense(4, 5), "in");
    if (op == ElementWiseVertex.Op.Subtract) {
      graph.addVertex("both", new ElementWiseVertex(op), "a", "b");
    } else {
      graph
          .addLayer("c", dense(5, 5), "b")
          .addVertex("both", new ElementWiseVertex(op), "a", "c", "b");
    }
    agrees(graph.addLayer("out", labels(5), "both"));
  }

  @Test
  void smallVerticesAgree() throws IOException {
    agrees(
        graph("in")
            .addLayer("hidden", dense(4, 6), "in")
            .addVertex("part", new SubsetVertex(1, 3), "hidden")
            .addVertex("scaled", new ScaleVertex(-2.5), "part")
            .addVertex("unit", new L2NormalizeVertex(), "hidden")
            .addVertex("all", new MergeVertex(), "scaled", "unit", "in")
            .addLayer("out", labels(13), "all"));
  }

  @Test
  void parametersAreFoundWhateverTheNames() throws IOException {
    ModelArtifact model =
        agrees(
            graph("in")
                .addLayer("z/first layer", dense(4, 5), "in")
                .addLayer("a-second", dense(5, 5), "z/first layer")
                .addLayer("layer0", dense(4, 5), "in")
                .addLayer("out", labels(10), "a-second", "layer0"));

    assertThat(model.weights().tensors().keySet())
        .containsExactlyInAnyOrder(
            "layers.z_first_layer.weight",
            "layers.z_first_layer.bias",
            "layers.a_second.weight",
            "layers.a_second.bias",
            "layers.0.weight",
            "layers.0.bias",
            "layers.out.weight",
            "layers.out.bias");
  }

  @Test
  void aResidualBlockAgrees() throws IOException {
    INDArray pictures = SavedNetwork.numbers(5, 4, 3, 6, 6);
    ComputationGraph network =
        SavedNetwork.of(
            graph("in")
                .addLayer("conv", same(4), "in")
                .addLayer("norm", new BatchNormalization(), "conv")
                .addLayer("again", same(4), "norm")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "again", "conv")
                .addVertex("wide", new MergeVertex(), "sum", "in")
                .addLayer("mean", new GlobalPoolingLayer(PoolingType.AVG), "wide")
                .addVertex(
                    "flat",
                    new PreprocessorVertex(new CnnToFeedForwardPreProcessor(6, 6, 4)),
                    "sum")
                .addLayer("out", labels(7 + 144), "mean", "flat")
                .setInputTypes(InputType.convolutional(6, 6, 3))
                .build());

    SavedNetwork.agrees(
        folder,
        network,
        SavedNetwork.pictures(3, 6, 6, SavedNetwork.labels(3)),
        Map.of("picture", SavedNetwork.tensor(pictures)),
        network.outputSingle(pictures.dup()));
  }

  private static ConvolutionLayer same(int channels) {
    return new ConvolutionLayer.Builder(3, 3)
        .nOut(channels)
        .convolutionMode(ConvolutionMode.Same)
        .build();
  }

  @Test
  void severalInputsAreTakenByNameAndInOrder() throws IOException {
    FeatureEncoding texts = SavedNetwork.texts(9, SavedNetwork.labels(3));
    FeatureEncoding encoding =
        new FeatureEncoding(
            Stream.concat(
                    texts.encoders().stream(),
                    Stream.of(
                        new Encoder.Standardize("age", 0, 1),
                        new Encoder.Standardize("size", 0, 1)))
                .toList(),
            texts.target(),
            Optional.of(texts.tokenizer().orElseThrow()));
    ComputationGraph network =
        SavedNetwork.of(
            graph("body", "numbers")
                .addLayer(
                    "embedding",
                    new EmbeddingSequenceLayer.Builder().nIn(9).nOut(4).build(),
                    "body")
                .addLayer("lstm", new LSTM.Builder().nIn(4).nOut(5).build(), "embedding")
                .addVertex("last", new LastTimeStepVertex("body"), "lstm")
                .addLayer("dense", dense(2, 3), "numbers")
                .addLayer("out", labels(8), "last", "dense")
                .build());
    INDArray ids = Nd4j.createFromArray(new float[][] {{3, 1, 8}, {4, 7, 0}});
    INDArray mask = Nd4j.createFromArray(new float[][] {{1, 1, 1}, {1, 1, 0}});
    INDArray numbers = SavedNetwork.numbers(6, 2, 2);
    INDArray[] given = {ids.reshape(2, 1, 3), numbers};
    INDArray expected = network.output(false, given, new INDArray[] {mask, null})[0];

    SavedNetwork.agrees(
        folder,
        network,
        encoding,
        Map.of(
            "body",
            Tensor.ofLongs(new long[] {3, 1, 8, 4, 7, 0}, 2, 3),
            "body.mask",
            SavedNetwork.tensor(mask),
            FeatureEncoding.VECTOR,
            SavedNetwork.tensor(numbers)),
        expected);
  }
}
