package io.athanor.backend.dl4j.network;

import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;

/** What joins and rearranges the results of layers, and has no numbers of its own. */
final class VertexReader {
  private final GraphBuilder g;
  private final LayerReader layers;

  VertexReader(GraphBuilder graph, LayerReader layers) {
    this.g = graph;
    this.layers = layers;
  }

  /**
   * @param from what the vertex reads, at least one
   * @param inputs those of the network, by name
   */
  Signal read(Settings vertex, List<Signal> from, Map<String, Signal> inputs) {
    Signal x = from.get(0);
    String type = vertex.type();
    if (type.equals("MergeVertex")) {
      return merged(vertex, from);
    }
    if (type.equals("ElementWiseVertex")) {
      return elementWise(vertex, from);
    }
    if (from.size() > 1) {
      throw vertex.unsupported(
          "a " + type + " of several inputs, which the graph has no operation for",
          "Join them by a MergeVertex or an ElementWiseVertex");
    }
    return switch (type) {
      case "PreprocessorVertex" -> rearranged(vertex.inside("preProcessor"), x);
      case "ScaleVertex" -> x.with(g.scale(x.value(), vertex.number("scaleFactor", 1)));
      case "SubsetVertex" -> subset(vertex, x);
      case "L2NormalizeVertex" -> {
        vertex.require(
            x.rank() == 2 && (!vertex.has("dimension") || vertex.integers("dimension").isEmpty()),
            "a normalisation of something else than rows",
            "Normalise rows, over all their numbers");
        yield x.with(
            g.apply("normalize_" + x.value().name(), new ElementOp.Normalize(), x.value()));
      }
      case "LastTimeStepVertex" -> lastStep(vertex, x, inputs);
      default ->
          throw vertex.unsupported(
              "of the kind " + type + ", which the graph has no operation for",
              "Run it in DL4J, or replace the vertex by one that is supported");
    };
  }

  private Signal merged(Settings vertex, List<Signal> from) {
    vertex.require(
        vertex.integer("mergeAxis", 1) == 1,
        "a merge along another axis than that of features",
        "Merge along axis 1");
    requireAlike(vertex, from, false);
    Signal first = from.get(0);
    return from.size() == 1
        ? first
        : first.with(
            g.concat(first.featureAxis(), from.stream().map(Signal::value).toArray(Value[]::new)));
  }

  private Signal elementWise(Settings vertex, List<Signal> from) {
    String op = vertex.text("op", "");
    requireAlike(vertex, from, true);
    if (op.equals("Subtract") && from.size() != 2) {
      throw vertex.fail("a difference needs two inputs, got " + from.size());
    }
    BinaryOperator<Value> pair =
        switch (op) {
          case "Add", "Average" -> g::add;
          case "Subtract" -> (a, b) -> g.add(a, g.scale(b, -1));
          case "Product" -> g::multiply;
          case "Max" -> (a, b) -> g.add(b, g.relu(g.add(a, g.scale(b, -1))));
          default -> throw vertex.fail("unknown operation '" + op + "'");
        };
    Value joined = from.stream().map(Signal::value).reduce(pair).orElseThrow();
    return from.get(0).with(op.equals("Average") ? g.scale(joined, 1.0 / from.size()) : joined);
  }

  private static void requireAlike(Settings vertex, List<Signal> from, boolean features) {
    Signal first = from.get(0);
    for (Signal other : from) {
      if (other.rank() != first.rank()
          || (features && !other.value().shape().equals(first.value().shape()))) {
        throw vertex.fail(
            "expected inputs of one shape, got "
                + from.stream().map(s -> s.value().type().toString()).toList());
      }
    }
  }

  private Signal subset(Settings vertex, Signal x) {
    long first = vertex.integer("from", 0);
    long last = vertex.integer("to", -1);
    if (first < 0 || last < first || last >= x.features()) {
      throw vertex.fail(
          "it takes the features " + first + " to " + last + " of " + x.value().type());
    }
    return x.with(g.slice(x.value(), x.featureAxis(), first, last + 1));
  }

  private Signal lastStep(Settings vertex, Signal x, Map<String, Signal> inputs) {
    if (x.rank() != 3) {
      throw vertex.fail("it needs time series, got " + x.value().type());
    }
    Signal masked = inputs.get(vertex.text("maskArrayInputName", ""));
    return layers.pooled(
        masked == null ? x : new Signal(x.value(), masked.mask()), SequencePool.Kind.LAST);
  }

  /** What a preprocessor makes of a layer's input. */
  Signal rearranged(Settings preprocessor, Signal x) {
    String type = preprocessor.type();
    preprocessor.require(
        preprocessor.text("format", "NCHW").equals("NCHW")
            && preprocessor.text("rnnDataFormat", "NCW").equals("NCW"),
        "before a " + type + " of another data format than NCHW and NCW",
        "Build the network with DL4J's default formats");
    return switch (type) {
      case "CnnToFeedForwardPreProcessor" -> flattened(preprocessor, x);
      case "FeedForwardToCnnPreProcessor" -> pictures(preprocessor, x);
      case "RnnToFeedForwardPreProcessor", "FeedForwardToRnnPreProcessor" -> {
        if (x.rank() != 3) {
          throw preprocessor.fail(type + " needs time series, got " + x.value().type());
        }
        yield x;
      }
      case "ComposableInputPreProcessor" -> {
        Signal at = x;
        for (Settings step :
            preprocessor.list("inputPreProcessors", preprocessor.place() + ", step")) {
          at = rearranged(step, at);
        }
        yield at;
      }
      default ->
          throw preprocessor.unsupported(
              "behind the preprocessor " + type + ", which the graph has no operation for",
              "Build the network without it");
    };
  }

  private Signal flattened(Settings preprocessor, Signal x) {
    if (x.rank() == 2) {
      return x;
    }
    if (preprocessor.integer("numChannels", 0) > 0) {
      requirePictures(preprocessor, x);
    }
    return x.with(g.flatten(x.value()));
  }

  private Signal pictures(Settings preprocessor, Signal x) {
    long channels = preprocessor.size("numChannels");
    long height = preprocessor.size("inputHeight");
    long width = preprocessor.size("inputWidth");
    if (x.rank() == 2 && x.features() == channels * height * width) {
      return x.with(g.reshape(x.value(), channels, height, width));
    }
    requirePictures(preprocessor, x);
    return x;
  }

  private static void requirePictures(Settings preprocessor, Signal x) {
    List<Long> expected =
        List.of(
            (long) preprocessor.size("numChannels"),
            (long) preprocessor.size("inputHeight"),
            (long) preprocessor.size("inputWidth"));
    if (!x.value().shape().dims().stream().skip(1).map(Dim::offset).toList().equals(expected)) {
      throw preprocessor.fail(
          "it takes pictures of the sizes " + expected + ", but gets " + x.value().type());
    }
  }
}
