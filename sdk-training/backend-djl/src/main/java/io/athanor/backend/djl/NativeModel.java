package io.athanor.backend.djl;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Widened;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A graph ready to predict. Calls from several threads wait for each other, so that a close never
 * pulls the memory from under a call.
 */
class NativeModel implements CompiledModel {
  private final String name;
  private final NativeCalls gate;
  private final NativeScope scope;
  private final Program program;
  private final List<String> outputs;
  private final Calls<ForwardCall> predictions;

  /**
   * @param graph without targets and loss
   * @param program has the method {@code predict}
   */
  NativeModel(
      Graph graph, ThreadChoice choice, NativeCalls gate, NativeScope scope, Program program) {
    this.name = graph.name();
    this.gate = gate;
    this.scope = scope;
    this.program = program;
    this.outputs = List.copyOf(graph.outputs().keySet());
    InputRules rules = new InputRules(Widened.graph(graph));
    var types = graph.outputs().values().stream().map(graph::type).toList();
    this.predictions =
        new Calls<>(tensors -> new ForwardCall(rules, choice, scope, tensors, types));
  }

  /** Runs native code alone. */
  final <T> T alone(Supplier<T> action) {
    synchronized (scope) {
      requireOpen();
      return gate.run(action);
    }
  }

  /** Keeps calls out while Java reads or writes native memory. */
  final <T> T still(Supplier<T> action) {
    synchronized (scope) {
      requireOpen();
      return action.get();
    }
  }

  private void requireOpen() {
    if (scope.closed()) {
      throw new IllegalStateException(
          "The model '" + name + "' is closed; compile its graph again");
    }
  }

  final NativeScope scope() {
    return scope;
  }

  final Program program() {
    return program;
  }

  final List<HostTensor> forward(Calls<ForwardCall> calls, String method, Map<String, Tensor> in) {
    ForwardCall call = calls.loaded(List.of(in));
    NativeCalls.threads(call.threads());
    return call.run(program, method);
  }

  @Override
  public final Map<String, Tensor> predict(Map<String, Tensor> inputs) {
    return alone(
        () -> {
          List<HostTensor> results = forward(predictions, "predict", inputs);
          Map<String, Tensor> tensors = new LinkedHashMap<>();
          for (int i = 0; i < outputs.size(); i++) {
            tensors.put(outputs.get(i), results.get(i).copy());
          }
          return tensors;
        });
  }

  @Override
  public final void close() {
    synchronized (scope) {
      scope.close();
    }
  }
}
