package io.athanor.backend.dl4j.network;

import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.List;
import java.util.Set;

/** The last layer's activation function and loss, as the output and the loss of a task. */
final class Ending {
  private static final Set<String> LIKELIHOOD =
      Set.of("LossMCXENT", "LossSparseMCXENT", "LossNegativeLogLikelihood");

  private static final Set<String> SQUARES = Set.of("LossMSE", "LossL2");

  private Ending() {}

  /**
   * @param scores what the activation function gets
   */
  static void write(GraphBuilder g, Settings layer, Signal scores, Signature signature) {
    if (scores.rank() != 2) {
      throw layer.unsupported(
          "an output of the shape " + scores.value().type() + ", several answers for one row",
          "End the network with one row of scores");
    }
    Settings loss = layer.inside("lossFn");
    loss.require(
        !loss.has("weights"), "an output with a weighted loss", "Use a loss without weights");
    Value output =
        signature.task() instanceof Task.Classification
            ? logits(g, layer, loss.type(), scores)
            : number(g, layer, loss.type(), scores);
    long size = output.shape().dim(1).offset();
    if (size != signature.outputSize()) {
      throw new ValidationException(
          "encoding for " + layer.place(),
          List.of(
              "the network gives "
                  + size
                  + " scores, the encoding has "
                  + (signature.task() instanceof Task.Classification c
                      ? c.labels().size() + " labels " + c.labels()
                      : "one number to predict")));
    }
    g.output(Signature.OUTPUT, output);
    if (signature.task() instanceof Task.Classification) {
      g.loss(g.crossEntropy(output, g.target(Signature.TARGET, TensorType.i64(Dim.BATCH))));
    } else {
      g.loss(g.meanSquaredError(output, g.target(Signature.TARGET, output.type())));
    }
  }

  private static Value logits(GraphBuilder g, Settings layer, String loss, Signal scores) {
    String activation = ActivationReader.type(layer);
    if (LIKELIHOOD.contains(loss) && activation.equals("ActivationSoftmax")) {
      return scores.value();
    }
    if (loss.equals("LossBinaryXENT")
        && activation.equals("ActivationSigmoid")
        && scores.features() == 1) {
      // The softmax of [0, z] is [1 - sigmoid(z), sigmoid(z)], and so are loss and gradient alike.
      return g.concat(1, g.scale(scores.value(), 0), scores.value());
    }
    throw layer.unsupported(
        "an output with " + activation + " and " + loss + " for labels",
        "Use softmax with MCXENT or NEGATIVELOGLIKELIHOOD, or for two labels one sigmoid with"
            + " XENT");
  }

  private static Value number(GraphBuilder g, Settings layer, String loss, Signal scores) {
    layer.require(
        SQUARES.contains(loss), "an output with " + loss + " for a number", "Use the loss MSE");
    return ActivationReader.apply(layer, g, scores.value());
  }
}
