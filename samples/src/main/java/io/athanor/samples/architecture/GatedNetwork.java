package io.athanor.samples.architecture;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.Map;

/**
 * A classifier of numbers with a residual layer that a gate opens and closes. {@link #graph} is all
 * there is to an architecture; backends, tuning, estimates and exports work on the graph.
 *
 * @param size of the hidden layers
 */
public record GatedNetwork(int size) implements Architecture {
  @Override
  public String name() {
    return "gated";
  }

  @Override
  public Map<String, Object> config() {
    return Map.of("size", size);
  }

  @Override
  public Graph graph(Signature data) {
    Feature.Vector numbers = (Feature.Vector) data.features().get(0);
    GraphBuilder g = Graph.builder(name());
    Value x = g.input(numbers.name(), TensorType.f32(Dim.BATCH, Dim.of(numbers.width())));
    Value h = g.gelu(g.linear("first", x, size)); // [batch, size]
    Value inner = g.gelu(g.linear("inner", h, size));
    Value gate = g.activation(Activation.Kind.SIGMOID, g.linear("gate", h, size));
    Value y = g.layerNorm("norm", g.add(h, g.multiply(gate, inner)), 1e-5);
    Value logits = g.linear("classifier", y, data.outputSize()); // [batch, labels]
    Value label = g.target(Signature.TARGET, TensorType.i64(Dim.BATCH));
    return g.output(Signature.OUTPUT, logits).loss(g.crossEntropy(logits, label)).build();
  }
}
