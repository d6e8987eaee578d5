package io.athanor.tck.reference;

import io.athanor.api.backend.CompiledModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.AdapterStacks;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Predicts. */
final class ReferenceModel implements CompiledModel {
  private final Graph graph;
  private final Map<String, Array> parameters;
  private boolean closed;

  ReferenceModel(Graph graph, Weights weights) {
    this.graph = graph.forPrediction();
    this.parameters = Tensors.parameters(this.graph, weights);
  }

  @Override
  public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
    if (closed) {
      throw new IllegalStateException("The model '" + graph.name() + "' is closed");
    }
    return predict(graph, parameters, inputs);
  }

  /**
   * @param graph without loss
   */
  static Map<String, Tensor> predict(
      Graph graph, Map<String, Array> parameters, Map<String, Tensor> inputs) {
    Evaluation evaluation = Evaluation.predict(graph, parameters, Tensors.inputs(graph, inputs));
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach(
            (output, value) ->
                outputs.put(
                    output, Tensors.tensor(evaluation.value(value), graph.type(value).dtype())));
    return outputs;
  }

  /** Writes one adapter into the stacks; those without an entry get zeros. */
  void replaceAdapter(int adapter, Map<String, Tensor> entries) {
    AdapterStacks.requireFit(graph, adapter, entries);
    for (String stack : AdapterStacks.of(graph)) {
      Array all = Objects.requireNonNull(parameters.get(stack));
      int size = all.count() / all.size(0);
      Tensor entry = entries.get(stack);
      double[] values = entry == null ? new double[size] : Tensors.array(entry).values;
      System.arraycopy(values, 0, all.values, adapter * size, size);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
