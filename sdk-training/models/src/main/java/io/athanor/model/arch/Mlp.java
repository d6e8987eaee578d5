package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.ElementOp.Activation;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Multi-layer perceptron: numbers, categories and flattened pictures through linear layers with an
 * activation and dropout after each.
 *
 * <pre>{@code
 * b batch   f features   h hidden   o outputs
 * [b, f] -> linear, activation, dropout -> [b, h] -> .. -> linear -> [b, o]
 * }</pre>
 */
public final class Mlp implements Architecture {
  private final List<Integer> hidden;
  private final Activation.Kind activation;
  private final double dropout;

  private Mlp(List<Integer> hidden, Activation.Kind activation, double dropout) {
    this.hidden = hidden;
    this.activation = activation;
    this.dropout = dropout;
  }

  /** With rectifiers and no dropout. */
  public static Mlp of(int... hidden) {
    return new Mlp(Settings.sizes("hidden", 0, hidden), Activation.Kind.RELU, 0);
  }

  /** The function after each hidden layer. */
  public Mlp activation(Activation.Kind kind) {
    return new Mlp(hidden, kind, dropout);
  }

  /** The probability of dropping a hidden element, in [0, 1). */
  public Mlp dropout(double rate) {
    return new Mlp(hidden, activation, Settings.rate("dropout", rate));
  }

  @Override
  public String name() {
    return "mlp";
  }

  @Override
  public Map<String, Object> config() {
    return Map.of(
        "hidden", hidden,
        "activation", activation.name().toLowerCase(Locale.ROOT),
        "dropout", dropout);
  }

  @Override
  public Graph graph(Signature signature) {
    DataFit fit = new DataFit(name(), signature);
    if (!fit.all(Feature.Tokens.class).isEmpty()) {
      throw fit.refuse("numbers, categories or pictures (text needs a text model)");
    }
    List<Value> parts = new ArrayList<>(fit.vector().stream().toList());
    for (Feature.Image image : fit.all(Feature.Image.class)) {
      parts.add(fit.graph().flatten(fit.image(image)));
    }
    Value x = fit.join(parts); // [b, f]
    for (int i = 0; i < hidden.size(); i++) {
      x = fit.graph().linear("layers." + i, x, hidden.get(i)); // [b, h]
      x = fit.graph().dropout(fit.graph().activation(activation, x), dropout);
    }
    return fit.finish(x);
  }
}
