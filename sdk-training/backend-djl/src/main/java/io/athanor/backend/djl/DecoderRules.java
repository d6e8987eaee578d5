package io.athanor.backend.djl;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a caller's tokens must satisfy before native code sees them. */
final class DecoderRules {
  /** A table that ends. */
  private record Table(String layer, long rows) {}

  private final DecoderGraph decoded;
  private final Map<String, Node> nodes = new HashMap<>();
  private final Map<String, List<Table>> tables = new HashMap<>();
  private final List<Table> positions = new ArrayList<>();

  DecoderRules(DecoderGraph decoded) {
    this.decoded = decoded;
    Graph graph = decoded.graph();
    for (Node node : graph.nodes()) {
      nodes.put(node.name(), node);
      if (node.op() instanceof LayerOp.Embedding op) {
        add(node.name(), node.inputs().get(0), rows(graph, op.weight()));
      } else if (node.op() instanceof LayerOp.AdapterLinear op) {
        add(node.name(), node.inputs().get(1), rows(graph, op.a()));
      }
    }
  }

  private static long rows(Graph graph, String parameter) {
    return graph.parameter(parameter).shape().dim(0).offset();
  }

  private void add(String layer, String value, long rows) {
    Node node = nodes.get(value);
    if (node == null) {
      tables.computeIfAbsent(value, name -> new ArrayList<>()).add(new Table(layer, rows));
    } else if (node.op() instanceof SequenceOp.PositionIds op) {
      positions.add(new Table(layer, rows - op.first() - decoded.virtual(value)));
    } else if (!(node.op() instanceof SequenceOp.ConstantIds)) {
      add(layer, node.inputs().get(0), rows);
    }
  }

  /**
   * @throws GraphException if a prompt is missing, empty, too long or with an id outside the
   *     vocabulary
   */
  void requirePrompts(List<int[]> prompts, int capacity) {
    if (prompts.isEmpty()) {
      throw new GraphException(LanguageEncoding.TOKENS, "expected at least one prompt, got none");
    }
    for (Table table : positions) {
      if (capacity > table.rows) {
        throw new GraphException(
            table.layer,
            "expected a capacity of at most " + table.rows + " positions, got " + capacity);
      }
    }
    for (int row = 0; row < prompts.size(); row++) {
      int length = prompts.get(row).length;
      if (length < 1 || length > capacity) {
        throw new GraphException(
            LanguageEncoding.TOKENS,
            "expected prompts of 1 to "
                + capacity
                + " tokens, the capacity, got "
                + length
                + " in row "
                + row);
      }
      requireIds(prompts.get(row));
    }
  }

  /**
   * @throws GraphException if an id is outside the vocabulary
   */
  void requireIds(int[] ids) {
    for (int id : ids) {
      requireInside(LanguageEncoding.TOKENS, id);
    }
  }

  private void requireInside(String input, long index) {
    for (Table table : tables.getOrDefault(input, List.of())) {
      if (index < 0 || index >= table.rows) {
        throw new GraphException(
            input,
            "expected ids from 0 and below "
                + table.rows
                + " for layer '"
                + table.layer
                + "', got "
                + index);
      }
    }
  }

  /**
   * The tensors for the inputs other than the tokens.
   *
   * @throws GraphException if one is missing or does not fit
   */
  List<Tensor> rowInputs(Map<String, Tensor> given, int rows) {
    List<Tensor> tensors = new ArrayList<>();
    for (Input input : decoded.rowInputs()) {
      DType dtype = input.type().dtype();
      Tensor tensor = given.get(input.name());
      if (tensor == null
          || tensor.dtype() != dtype
          || tensor.rank() != 1
          || tensor.size(0) != rows) {
        throw new GraphException(
            input.name(),
            "expected " + dtype + "[" + rows + "], one element for each row, got " + tensor);
      }
      if (dtype == DType.I64) {
        for (long index : tensor.longs()) {
          requireInside(input.name(), index);
        }
      }
      tensors.add(tensor);
    }
    return tensors;
  }
}
