package io.athanor.backend.dl4j;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A graph ready to predict. Calls from several threads wait for each other, so that a close never
 * pulls the memory from under a call.
 */
class SameDiffModel implements CompiledModel {
  private final Graph graph;
  private final Parameters parameters;
  private final Programs predictions;
  private final Object turn = new Object();
  private boolean closed;

  /**
   * @param graph without targets and loss
   * @param parameters owned by this model
   */
  SameDiffModel(Graph graph, Parameters parameters) {
    this.graph = graph;
    this.parameters = parameters;
    this.predictions = new Programs(sizes -> ProgramWriter.write(graph, sizes, Purpose.PREDICT));
  }

  final Parameters parameters() {
    return parameters;
  }

  /** What a call does when it has its turn. */
  interface Action<T> {
    T run();
  }

  /** Keeps other calls out, and refuses where the model is closed. */
  final <T> T alone(Action<T> action) {
    synchronized (turn) {
      if (closed) {
        throw new IllegalStateException(
            "The model '" + graph.name() + "' is closed; compile its graph again");
      }
      return action.run();
    }
  }

  @Override
  public final Map<String, Tensor> predict(Map<String, Tensor> inputs) {
    return alone(
        () -> {
          Map<String, Long> sizes = graph.sizes(inputs);
          HostValues values = new HostValues(graph, sizes, inputs);
          Call call = new Call(values, parameters, new SplittableRandom(0));
          return predictions.run(sizes, call, outcome -> outputs(values, sizes, outcome));
        });
  }

  private Map<String, Tensor> outputs(
      HostValues values, Map<String, Long> sizes, Program.Outcome outcome) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach(
            (output, value) ->
                outputs.put(
                    output,
                    outcome.has(value)
                        ? NativeArray.tensor(
                            outcome.result(value), graph.type(value).shape().resolve(sizes))
                        : values.value(value)));
    return outputs;
  }

  /** Frees what a subclass holds. */
  void free() {}

  @Override
  public final void close() {
    synchronized (turn) {
      if (!closed) {
        closed = true;
        predictions.close();
        parameters.close();
        free();
      }
    }
  }
}
