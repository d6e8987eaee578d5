package io.athanor.backend.djl;

import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A call with gradients: one optimizer step over one or more micro-batches. */
final class StepCall extends Call {
  private final NativeScope scope;
  private final HostTensor rate;
  private final HostTensor clip;
  private final HostTensor loss;
  private final HostTensor norm;
  private final List<HostTensor> seeds = new ArrayList<>();
  private final List<HostTensor> shares = new ArrayList<>();
  private final Method step;
  private final Method accumulate;

  StepCall(
      InputRules rules,
      ThreadChoice choice,
      NativeScope scope,
      boolean recording,
      List<Map<String, Tensor>> tensors) {
    super(rules, choice, scope.newManager(), tensors, true);
    this.scope = scope;
    rate = HostTensor.number(manager());
    clip = HostTensor.number(manager());
    loss = HostTensor.zeros(manager(), DType.F32);
    norm = HostTensor.zeros(manager(), DType.F32);
    for (int i = 0; i < tensors.size(); i++) {
      seeds.add(HostTensor.zeros(manager(), DType.I64));
      shares.add(HostTensor.zeros(manager(), DType.F32));
    }
    List<PtNDArray> ownSeeds = arrays(seeds);
    List<PtNDArray> ownShares = arrays(shares);
    List<List<PtNDArray>> batches = List.of(ownSeeds, ownShares, inputs());
    List<List<PtNDArray>> all = new ArrayList<>();
    all.add(arrays(List.of(rate, clip)));
    all.add(arrays(List.of(loss, norm)));
    all.addAll(batches);
    step = recording ? new Recorded("step", all) : new Plain("step", all);
    accumulate = recording ? new Recorded("accumulate", batches) : new Plain("accumulate", batches);
  }

  private static List<PtNDArray> arrays(List<HostTensor> tensors) {
    return tensors.stream().map(HostTensor::array).toList();
  }

  /** A method of the program with its arguments, all of them lists. */
  private interface Method extends AutoCloseable {
    void run(Program program);

    @Override
    void close();
  }

  /** Without autograd. */
  private final class Plain implements Method {
    private final String name;
    private final IValue[] arguments;

    Plain(String name, List<List<PtNDArray>> lists) {
      this.name = name;
      this.arguments =
          lists.stream().map(list -> scope.own(Program.list(list))).toArray(IValue[]::new);
    }

    @Override
    public void run(Program program) {
      program.run(name, arguments);
    }

    @Override
    public void close() {
      for (IValue argument : arguments) {
        scope.free(argument);
      }
    }
  }

  /** Under autograd, by DJL's convention: names of arrays tell the list and the method. */
  private final class Recorded implements Method {
    private final NDList arguments = new NDList();

    Recorded(String name, List<List<PtNDArray>> lists) {
      for (int i = 0; i < lists.size(); i++) {
        for (PtNDArray array : lists.get(i)) {
          array.setName("list" + (lists.size() - i) + "[]");
          arguments.add(array);
        }
      }
      PtNDArray method = HostTensor.zeros(manager(), DType.F32, 1).array();
      method.setName("module_method:" + name);
      arguments.add(method);
    }

    @Override
    public void run(Program program) {
      program.train(arguments);
    }

    @Override
    public void close() {}
  }

  void set(StepSettings values) {
    rate.bytes().putDouble(0, values.learningRate());
    clip.bytes().putDouble(0, values.clipNorm());
  }

  /** Sets each micro-batch's share of the loss. */
  void share(List<MicroBatch> batches) {
    double sum = batches.stream().mapToDouble(MicroBatch::weight).sum();
    for (int i = 0; i < batches.size(); i++) {
      shares.get(i).bytes().putFloat(0, (float) (batches.get(i).weight() / sum));
    }
  }

  /** Sets the random stream of each micro-batch by the seed and the number of the step. */
  void seed(long seed, long step) {
    for (int i = 0; i < seeds.size(); i++) {
      seeds.get(i).bytes().putLong(0, mix(mix(mix(seed) + step) + i) >>> 1);
    }
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
  private static long mix(long x) {
    long z = x + 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  StepResult run(Program program) {
    step.run(program);
    return new StepResult(loss.bytes().getFloat(0), norm.bytes().getFloat(0));
  }

  /** Computes the gradients without a step. */
  void accumulate(Program program) {
    accumulate.run(program);
  }

  @Override
  public void close() {
    step.close();
    accumulate.close();
    super.close();
  }
}
