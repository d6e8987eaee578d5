package io.athanor.backend.djl;

import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/** A call with gradients: one optimizer step over one or more micro-batches. */
final class StepCall extends Call {
  private static final String INPUTS = "inputs[]";

  private final HostTensor settings;
  private final HostTensor seeds;
  private final HostTensor shares;
  private final HostTensor result;
  private final NDList step;

  StepCall(
      InputRules rules,
      ThreadChoice choice,
      PtNDManager manager,
      List<Map<String, Tensor>> tensors) {
    super(rules, choice, manager, tensors, true);
    int count = tensors.size();
    settings = HostTensor.doubles(manager, 2);
    seeds = HostTensor.zeros(manager, DType.I64, count);
    shares = HostTensor.zeros(manager, DType.F32, count);
    result = HostTensor.zeros(manager, DType.F32, 2);
    inputs().forEach(array -> array.setName(INPUTS));
    step = new NDList(settings.array(), seeds.array());
    if (count > 1) {
      step.add(shares.array());
    }
    step.add(result.array());
    step.addAll(inputs());
    step.add(method(count > 1 ? "accumulate" : "step"));
  }

  /** The array by which DJL's calling convention names a method. */
  private PtNDArray method(String name) {
    PtNDArray array = HostTensor.zeros(manager(), DType.F32, 1).array();
    array.setName("module_method:" + name);
    return array;
  }

  void set(StepSettings values, List<MicroBatch> batches) {
    settings.bytes().putDouble(0, values.learningRate()).putDouble(8, values.clipNorm());
    double sum = batches.stream().mapToDouble(MicroBatch::weight).sum();
    for (int i = 0; i < batches.size(); i++) {
      shares.bytes().putFloat(4 * i, (float) (batches.get(i).weight() / sum));
    }
  }

  /** Sets the random stream of each micro-batch by the seed and the number of the step. */
  void seed(long seed, long step) {
    for (int i = 0; i < seeds.size(0); i++) {
      seeds.bytes().putLong(8 * i, mix(mix(mix(seed) + step) + i) >>> 1);
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
    program.train(step);
    FloatBuffer numbers = result.bytes().asFloatBuffer();
    return new StepResult(numbers.get(0), numbers.get(1));
  }

  /** Writes the gradients of the first micro-batch into some tensors. */
  void gradients(Program program, List<PtNDArray> results) {
    results.forEach(array -> array.setName("results[]"));
    NDList arguments = new NDList(seeds.array());
    arguments.addAll(results);
    arguments.addAll(inputs());
    arguments.add(method("copy_gradients"));
    program.train(arguments);
  }
}
