package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What all architectures do with a {@link Signature}: take the features they need, refuse others,
 * and end in a linear head with the loss of the task.
 */
final class DataFit {
  private final String architecture;
  private final Signature signature;
  private final GraphBuilder graph;

  DataFit(String architecture, Signature signature) {
    this.architecture = architecture;
    this.signature = signature;
    this.graph = Graph.builder(architecture);
  }

  GraphBuilder graph() {
    return graph;
  }

  <F extends Feature> List<F> all(Class<F> kind) {
    return signature.features().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The only feature of a kind, next to at most a vector. */
  <F extends Feature> F only(Class<F> kind, String need) {
    List<F> found = all(kind);
    if (found.size() != 1
        || all(Feature.Vector.class).size() + found.size() != signature.features().size()) {
      throw refuse(need);
    }
    return found.get(0);
  }

  ValidationException refuse(String need) {
    String got =
        signature.features().stream().map(DataFit::describe).collect(Collectors.joining(", "));
    return new ValidationException(
        "data for " + architecture, List.of(architecture + " needs " + need + ", got " + got));
  }

  private static String describe(Feature feature) {
    if (feature instanceof Feature.Vector vector) {
      return vector.width() + " numbers or categories";
    }
    String kind = feature instanceof Feature.Tokens ? "text '" : "picture '";
    return kind + feature.name() + "'";
  }

  /** Declares the input {@code F32 [batch, width]} of numbers and categories, if there is one. */
  Optional<Value> vector() {
    return all(Feature.Vector.class).stream()
        .map(v -> graph.input(v.name(), TensorType.f32(Dim.BATCH, Dim.of(v.width()))))
        .findFirst();
  }

  /** Declares a picture input {@code F32 [batch, channels, height, width]}. */
  Value image(Feature.Image image) {
    return graph.input(
        image.name(),
        TensorType.f32(
            Dim.BATCH, Dim.of(image.channels()), Dim.of(image.height()), Dim.of(image.width())));
  }

  /** Declares the input of token ids {@code I64 [batch, sequence]}. */
  Value ids(Feature.Tokens tokens) {
    return graph.input(tokens.name(), TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
  }

  /** Declares the input {@code F32 [batch, sequence]} that is 1 for real tokens. */
  Value mask(Feature.Tokens tokens) {
    return graph.input(tokens.mask(), TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
  }

  /** Puts rows {@code [batch, ..]} of numbers side by side. */
  Value join(List<Value> parts) {
    return parts.size() == 1 ? parts.get(0) : graph.concat(1, parts.toArray(Value[]::new));
  }

  /** Appends the vector input, if there is one, to {@code [batch, size]}. */
  Value withVector(Value rows) {
    return join(Stream.concat(Stream.of(rows), vector().stream()).toList());
  }

  /**
   * Ends the graph: a linear layer {@code classifier} on {@code [batch, size]}, the output, the
   * target and the loss.
   */
  Graph finish(Value rows) {
    Value output = graph.linear("classifier", rows, signature.outputSize());
    return scored(graph, signature.task(), output);
  }

  /** Ends a graph with one row of scores {@code [batch, outputs]}: output, target and loss. */
  static Graph scored(GraphBuilder graph, Task task, Value output) {
    graph.output(Signature.OUTPUT, output);
    if (task instanceof Task.Classification) {
      Value target = graph.target(Signature.TARGET, TensorType.i64(Dim.BATCH));
      graph.loss(graph.crossEntropy(output, target));
    } else {
      Value target = graph.target(Signature.TARGET, TensorType.f32(Dim.BATCH, Dim.of(1)));
      graph.loss(graph.meanSquaredError(output, target));
    }
    return graph.build();
  }
}
