package io.athanor.benchmarks;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import java.util.Arrays;
import java.util.Iterator;

/** A training loop written by hand on DJL's own blocks, trainer and optimizer. */
final class DjlContender implements Contender {
  private final Workload workload;
  private final int threads;
  private final Model model;
  private final Trainer trainer;
  private final Tensor inputs;
  private final Tensor targets;

  DjlContender(Workload workload, int threads) {
    this.workload = workload;
    this.threads = threads;
    model = Model.newInstance(workload.name(), Device.cpu(), "PyTorch");
    model.setBlock(workload.block());
    trainer =
        model.newTrainer(
            new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                .optDevices(new Device[] {Device.cpu()})
                .optOptimizer(
                    Optimizer.adam().optLearningRateTracker(Tracker.fixed(0.001f)).build()));
    trainer.initialize(workload.djlShape());
    begin(workload.weights());
    inputs = workload.inputs(1);
    targets = workload.targets(2);
  }

  /**
   * A block has its parameters in the graph's order, and their layout is PyTorch's on both sides.
   */
  private void begin(Weights weights) {
    Iterator<Tensor> first = weights.tensors().values().iterator();
    for (Parameter parameter : model.getBlock().getParameters().values()) {
      Tensor tensor = first.next();
      if (!Arrays.equals(tensor.shape(), parameter.getArray().getShape().getShape())) {
        throw new IllegalStateException(
            parameter.getName() + " " + parameter.getArray().getShape() + " and " + tensor);
      }
      parameter.getArray().set(tensor.bytes());
    }
  }

  private static NDArray array(NDManager manager, Tensor tensor, ai.djl.ndarray.types.Shape shape) {
    DataType type = tensor.dtype().floating() ? DataType.FLOAT32 : DataType.INT64;
    return manager.create(tensor.bytes(), shape, type);
  }

  private void takeThreads() {
    if (JniUtils.getNumThreads() != threads) {
      JniUtils.setNumThreads(threads);
    }
    JniUtils.setGraphExecutorOptimize(false);
  }

  @Override
  public double step() {
    takeThreads();
    try (NDManager manager = trainer.getManager().newSubManager()) {
      NDArray x = array(manager, inputs, workload.djlShape());
      NDArray y = array(manager, targets, new ai.djl.ndarray.types.Shape(targets.size(0)));
      double loss;
      try (GradientCollector collector = trainer.newGradientCollector()) {
        NDList logits = trainer.forward(new NDList(x), new NDList(y));
        NDArray value = trainer.getLoss().evaluate(new NDList(y), logits);
        collector.backward(value);
        loss = value.getFloat();
      }
      trainer.step();
      return loss;
    }
  }

  @Override
  public double predict() {
    takeThreads();
    try (NDManager manager = trainer.getManager().newSubManager()) {
      NDArray x = array(manager, inputs, workload.djlShape());
      return trainer.evaluate(new NDList(x)).head().toFloatArray()[0];
    }
  }

  @Override
  public long parameters() {
    return model.getBlock().getParameters().values().stream()
        .map(Parameter::getArray)
        .mapToLong(NDArray::size)
        .sum();
  }

  @Override
  public void close() {
    trainer.close();
    model.close();
  }
}
