package io.athanor.backend.djl;

import ai.djl.pytorch.jni.IValue;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A call without gradients: inputs in, results out. */
final class ForwardCall extends Call {
  private final NativeScope scope;
  private final List<HostTensor> results = new ArrayList<>();
  private final IValue in;
  private final IValue out;

  /**
   * @param types of the results
   */
  ForwardCall(
      InputRules rules,
      ThreadChoice choice,
      NativeScope scope,
      List<Map<String, Tensor>> tensors,
      List<TensorType> types) {
    super(rules, choice, scope.newManager(), tensors, false);
    this.scope = scope;
    for (TensorType type : types) {
      results.add(HostTensor.zeros(manager(), type.dtype(), type.shape().resolve(sizes())));
    }
    in = scope.own(Program.list(inputs()));
    out = scope.own(Program.list(results.stream().map(HostTensor::array).toList()));
  }

  List<HostTensor> run(Program program, String method) {
    program.run(method, in, out);
    return results;
  }

  @Override
  public void close() {
    scope.free(in);
    scope.free(out);
    super.close();
  }
}
