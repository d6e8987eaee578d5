package io.athanor.backend.dl4j.network;

import io.athanor.api.graph.ElementOp.Activation.Kind;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Value;

/** DL4J's activation functions, where the graph's own can express them exactly. */
final class ActivationReader {
  /** Klambauer et al. 2017. */
  private static final double SELU_SCALE = 1.0507009873554805;

  private static final double SELU_ALPHA = 1.6732632423543772;

  private ActivationReader() {}

  /** The kind of an activation function. */
  static String type(Settings layer) {
    return layer.has("activationFn") ? layer.inside("activationFn").type() : "ActivationIdentity";
  }

  static Value apply(Settings layer, GraphBuilder g, Value x) {
    if (!layer.has("activationFn")) {
      return x;
    }
    Settings function = layer.inside("activationFn");
    return switch (function.type()) {
      case "ActivationIdentity" -> x;
      case "ActivationReLU" -> {
        function.require(
            !function.has("max") && function.number("threshold", 0) == 0,
            "a rectifier with an upper limit or a threshold",
            "Use one without");
        yield leaky(g, x, function.number("negativeSlope", 0));
      }
      case "ActivationLReLU" -> leaky(g, x, function.number("alpha", 0.01));
      case "ActivationELU" -> exponential(g, x, 1, function.number("alpha", 1));
      case "ActivationSELU" -> exponential(g, x, SELU_SCALE, SELU_ALPHA);
      case "ActivationTanH" -> g.activation(Kind.TANH, x);
      case "ActivationSigmoid" -> g.activation(Kind.SIGMOID, x);
      case "ActivationSoftPlus" -> g.activation(Kind.SOFTPLUS, x);
      case "ActivationSwish" -> g.activation(Kind.SILU, x);
      case "ActivationGELU" ->
          function.flag("precise", false) ? precise(g, x) : gated(g, x, x, 1.702);
      case "ActivationMish" ->
          g.multiply(x, g.activation(Kind.TANH, g.activation(Kind.SOFTPLUS, x)));
      case "ActivationCube" -> g.multiply(x, g.multiply(x, x));
      case "ActivationSoftmax" -> {
        function.require(
            x.shape().rank() < 4, "a softmax over the channels of pictures", "Use it on rows");
        yield g.softmax(x);
      }
      default ->
          throw function.unsupported(
              "activated by " + function.type() + ", which the graph has no operation for",
              "Use one of identity, relu, leakyrelu, elu, selu, tanh, sigmoid, softplus, swish,"
                  + " gelu, mish, cube and softmax");
    };
  }

  /** {@code x sigmoid(factor y)}. */
  private static Value gated(GraphBuilder g, Value x, Value y, double factor) {
    return g.multiply(x, g.activation(Kind.SIGMOID, g.scale(y, factor)));
  }

  /**
   * What ND4J calls the precise GELU: its cube also takes the coefficient, which the paper has in
   * front of it, to the third power.
   */
  private static Value precise(GraphBuilder g, Value x) {
    Value small = g.scale(x, 0.044715);
    Value cube = g.multiply(small, g.multiply(small, small));
    return gated(g, x, g.add(x, cube), 2 * Math.sqrt(2 / Math.PI));
  }

  /** {@code slope x} below 0, {@code x} above. */
  private static Value leaky(GraphBuilder g, Value x, double slope) {
    if (slope == 0) {
      return g.relu(x);
    }
    return slope == 0.01
        ? g.activation(Kind.LEAKY_RELU, x)
        : g.add(g.scale(x, slope), g.scale(g.relu(x), 1 - slope));
  }

  /** {@code scale alpha (exp(x) - 1)} below 0, {@code scale x} above. */
  private static Value exponential(GraphBuilder g, Value x, double scale, double alpha) {
    Value elu = g.activation(Kind.ELU, x);
    return scale == 1 && alpha == 1
        ? elu
        : g.add(g.scale(elu, scale * alpha), g.scale(g.relu(x), scale * (1 - alpha)));
  }
}
