package io.athanor.model.format.onnx;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The graph of an ONNX file: its nodes in order, its initialisers as views of the file, and its
 * constants.
 */
final class OnnxGraph {
  private static final int MAX_NODES = 1 << 20;

  private final String source;
  private final List<OnnxNode> nodes = new ArrayList<>();
  private final Map<String, Tensor> initializers = new LinkedHashMap<>();
  private final Map<String, Tensor> constants = new HashMap<>();

  private OnnxGraph(String source) {
    this.source = source;
  }

  static OnnxGraph read(Path file) {
    String source = file.toString();
    ByteBuffer bytes;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new UnsupportedException(
            source + ": an ONNX file of 2 GiB or more", "Take the model's Hugging Face folder");
      }
      bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + source, List.of(), "Check the path");
    } catch (IOException e) {
      throw new StorageException(source, "cannot be read (" + e + ")", e);
    }
    OnnxGraph graph = new OnnxGraph(source);
    ProtobufMessage model = new ProtobufMessage(source, bytes);
    boolean found = false;
    while (model.next()) {
      if (model.field() == 7) {
        if (found) {
          throw new FormatException(source, "the file has two graphs");
        }
        graph.read(model.message());
        found = true;
      }
    }
    if (!found) {
      throw new FormatException(source, "the file has no graph; this is not an ONNX model");
    }
    return graph;
  }

  private void read(ProtobufMessage graph) {
    while (graph.next()) {
      switch (graph.field()) {
        case 1 -> {
          if (nodes.size() == MAX_NODES) {
            throw graph.fail("the graph has more than " + MAX_NODES + " nodes");
          }
          nodes.add(OnnxNode.read(source, graph.message()));
        }
        case 5 -> {
          OnnxTensor initializer = OnnxTensor.read(source, graph.message());
          if (initializers.put(initializer.name(), initializer.tensor()) != null) {
            throw graph.fail("initializer '" + initializer.name() + "' occurs twice");
          }
        }
        case 15 ->
            throw new UnsupportedException(
                source + ": sparse initialisers", "Export the model with dense weights");
        default -> {}
      }
    }
    for (OnnxNode node : nodes) {
      if (node.value() != null && node.outputs().size() == 1) {
        constants.put(node.outputs().get(0), node.value());
      }
    }
  }

  String source() {
    return source;
  }

  List<OnnxNode> nodes() {
    return nodes;
  }

  Map<String, Tensor> initializers() {
    return initializers;
  }

  /** A value that is known without running the graph. */
  Optional<Tensor> known(String name) {
    Tensor initializer = initializers.get(name);
    return Optional.ofNullable(initializer == null ? constants.get(name) : initializer);
  }

  boolean contains(String operation) {
    return nodes.stream().anyMatch(node -> node.operation().equals(operation));
  }
}
