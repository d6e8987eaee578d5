package io.athanor.benchmarks;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.NeuralNetwork;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/** DL4J's own network, which trains itself by {@code fit} and predicts by {@code output}. */
final class Dl4jContender implements Contender {
  private final NeuralNetwork network;
  private final Model model;
  private final UnaryOperator<INDArray> output;
  private final Tensor inputs;
  private final Tensor targets;
  private final int classes;

  Dl4jContender(Workload workload, int threads) {
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
    if (workload == Workload.ENCODER) {
      ComputationGraph graph = Dl4jNetworks.encoder();
      network = graph;
      model = graph;
      output = graph::outputSingle;
    } else {
      MultiLayerNetwork layers = Dl4jNetworks.of(workload);
      network = layers;
      model = layers;
      output = layers::output;
    }
    inputs = workload.inputs(1);
    targets = workload.targets(2);
    classes = workload.classes();
  }

  private INDArray features() {
    return inputs.dtype() == DType.I64
        ? Nd4j.createFromArray(inputs.longs()).reshape(inputs.shape())
        : Nd4j.create(inputs.floats(), inputs.shape(), 'c');
  }

  private INDArray labels() {
    long[] ids = targets.longs();
    float[] each = new float[ids.length * classes];
    for (int i = 0; i < ids.length; i++) {
      each[i * classes + (int) ids[i]] = 1;
    }
    return Nd4j.create(each, new long[] {ids.length, classes}, 'c');
  }

  @Override
  public double step() {
    network.fit(new DataSet(features(), labels()));
    return model.score();
  }

  @Override
  public double predict() {
    return output.apply(features()).getDouble(0);
  }

  @Override
  public long parameters() {
    return model.numParams();
  }

  @Override
  public void close() {
    model.close();
  }
}
