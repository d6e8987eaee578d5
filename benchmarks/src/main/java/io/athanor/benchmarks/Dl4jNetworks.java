package io.athanor.benchmarks;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The workloads in DL4J's own layers, with the weights that the others begin with. */
final class Dl4jNetworks {
  /** DL4J has the candidate first, and the input gate last. */
  private static final int[] GATES = {2, 1, 3, 0};

  private Dl4jNetworks() {}

  /** All but the encoder. */
  static MultiLayerNetwork of(Workload workload) {
    return switch (workload) {
      case TINY_MLP -> dense(workload, 4, 16);
      case MLP -> dense(workload, 30, 64, 64);
      case LARGE_MLP -> dense(workload, 1024, 2048, 2048);
      case CNN_8 -> convolutions(workload, 8);
      case CNN_28 -> convolutions(workload, 28);
      case LSTM -> recurrent(workload);
      case ENCODER -> throw new IllegalArgumentException("the encoder is no stack of layers");
    };
  }

  private static NeuralNetConfiguration.Builder adam() {
    return new NeuralNetConfiguration.Builder().updater(new Adam(0.001));
  }

  private static OutputLayer head(Workload workload) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .activation(Activation.SOFTMAX)
        .nOut(workload.classes())
        .build();
  }

  private static DenseLayer dense(int size, Activation activation) {
    return new DenseLayer.Builder().nOut(size).activation(activation).build();
  }

  private static MultiLayerNetwork dense(Workload workload, int in, int... sizes) {
    ListBuilder layers = adam().list();
    for (int size : sizes) {
      layers.layer(dense(size, Activation.RELU));
    }
    layers.layer(head(workload)).setInputType(InputType.feedForward(in));
    String[] names = sizes.length == 1 ? new String[] {"first"} : new String[] {"first", "second"};
    return begun(layers, workload, names);
  }

  private static MultiLayerNetwork convolutions(Workload workload, int side) {
    ListBuilder layers =
        adam()
            .list()
            .layer(convolution(16))
            .layer(maximum())
            .layer(convolution(32))
            .layer(maximum())
            .layer(head(workload))
            .setInputType(InputType.convolutional(side, side, 1));
    return begun(layers, workload, "first", "", "second", "");
  }

  private static ConvolutionLayer convolution(int filters) {
    return new ConvolutionLayer.Builder(3, 3)
        .padding(1, 1)
        .nOut(filters)
        .activation(Activation.RELU)
        .build();
  }

  private static SubsamplingLayer maximum() {
    return new SubsamplingLayer.Builder(PoolingType.MAX).kernelSize(2, 2).stride(2, 2).build();
  }

  private static MultiLayerNetwork recurrent(Workload workload) {
    LSTM lstm = new LSTM.Builder().nOut(64).activation(Activation.TANH).build();
    ListBuilder layers =
        adam()
            .list()
            .layer(new LastTimeStep(lstm))
            .layer(head(workload))
            .setInputType(InputType.recurrent(16, 32, RNNFormat.NWC));
    return begun(layers, workload, "lstm");
  }

  /**
   * DL4J's attention has no biases; its layers have no norm of a sum, so that is one of ours in
   * SameDiff.
   */
  static ComputationGraph encoder() {
    GraphBuilder graph =
        adam()
            .graphBuilder()
            .addInputs("x")
            .setInputTypes(InputType.recurrent(8192, 64))
            .addLayer(
                "words",
                new EmbeddingSequenceLayer.Builder()
                    .nIn(8192)
                    .nOut(128)
                    .inputLength(64)
                    .hasBias(false)
                    .build(),
                "x");
    String x = "words";
    for (String layer : List.of("a.", "b.")) {
      x = encoder(graph, layer, x);
    }
    graph
        .addLayer("mean", new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), x)
        .addLayer("last", head(Workload.ENCODER), "mean")
        .setOutputs("last");
    ComputationGraph network = new ComputationGraph(graph.build());
    network.init();
    network
        .paramTable()
        .forEach((key, array) -> begin(array, layer(key), kind(key), Workload.ENCODER.weights()));
    return network;
  }

  private static String encoder(GraphBuilder graph, String layer, String x) {
    SelfAttentionLayer attention =
        new SelfAttentionLayer.Builder().nOut(128).nHeads(4).projectInput(true).build();
    graph
        .addLayer(layer, attention, x)
        .addVertex(layer + "s1", new ElementWiseVertex(ElementWiseVertex.Op.Add), x, layer)
        .addLayer(layer + "n1", new NormLayer(128), layer + "s1")
        .addLayer(layer + "up", dense(512, Activation.GELU), layer + "n1")
        .addLayer(layer + "down", dense(128, Activation.IDENTITY), layer + "up")
        .addVertex(
            layer + "down3",
            new PreprocessorVertex(new FeedForwardToRnnPreProcessor()),
            layer + "down")
        .addVertex(
            layer + "s2",
            new ElementWiseVertex(ElementWiseVertex.Op.Add),
            layer + "n1",
            layer + "down3")
        .addLayer(layer + "n2", new NormLayer(128), layer + "s2");
    return layer + "n2";
  }

  /**
   * @param names of the graph's layers by index, but that of the last; empty where a layer has no
   *     parameters
   */
  private static MultiLayerNetwork begun(ListBuilder layers, Workload workload, String... names) {
    MultiLayerNetwork network = new MultiLayerNetwork(layers.build());
    network.init();
    Weights weights = workload.weights();
    network
        .paramTable()
        .forEach(
            (key, array) -> {
              int index = Integer.parseInt(layer(key));
              begin(array, index < names.length ? names[index] : "last", kind(key), weights);
            });
    return network;
  }

  private static String layer(String key) {
    return key.substring(0, key.lastIndexOf('_'));
  }

  private static String kind(String key) {
    return key.substring(key.lastIndexOf('_') + 1);
  }

  /** Gives a network's parameter the values of the graph's. */
  private static void begin(INDArray to, String layer, String kind, Weights from) {
    boolean lstm = layer.equals("lstm");
    to.assign(
        switch (kind) {
          case "Wq", "Wk", "Wv" ->
              array(from, layer + kind.charAt(1) + ".weight").reshape(to.shape());
          case "Wo" -> array(from, layer + "o.weight").transpose();
          case "RW" -> gates(array(from, layer + ".weight_hh_l0")).transpose();
          case "W" ->
              lstm
                  ? gates(array(from, layer + ".weight_ih_l0")).transpose()
                  : matrix(array(from, layer + ".weight"), layer);
          case "b" ->
              lstm
                  ? gates(
                          array(from, layer + ".bias_ih_l0")
                              .add(array(from, layer + ".bias_hh_l0")))
                      .reshape(to.shape())
                  : array(from, layer + ".bias").reshape(to.shape());
          default -> array(from, layer + "." + kind).reshape(to.shape());
        });
  }

  private static INDArray matrix(INDArray weight, String layer) {
    return weight.rank() == 2 && !layer.equals("words") ? weight.transpose() : weight;
  }

  private static INDArray array(Weights weights, String name) {
    Tensor tensor = weights.tensor(name);
    return Nd4j.create(tensor.floats(), tensor.shape(), 'c');
  }

  /** Blocks of rows, one for each gate, in DL4J's order. */
  private static INDArray gates(INDArray rows) {
    int size = (int) rows.size(0) / GATES.length;
    return Nd4j.concat(
        0,
        Arrays.stream(GATES)
            .mapToObj(gate -> rows.get(NDArrayIndex.interval(gate * size, (gate + 1) * size)))
            .toArray(INDArray[]::new));
  }
}
