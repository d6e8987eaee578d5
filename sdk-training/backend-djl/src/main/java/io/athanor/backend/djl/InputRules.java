package io.athanor.backend.djl;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the tensors for a graph's inputs must satisfy before native code sees them. */
final class InputRules {
  /** Integers of an input that a layer uses as indices. */
  private record Indices(String layer, int input, long limit, boolean targets) {}

  /** A layer whose table of positions ends. */
  private record Positions(String layer, Dim length, long first, long rows) {}

  private final List<Input> inputs;
  private final List<Indices> indices = new ArrayList<>();
  private final List<Positions> positions = new ArrayList<>();
  private final List<Node> normalised = new ArrayList<>();
  private final List<Node> paired = new ArrayList<>();
  private final Map<String, Node> nodes = new HashMap<>();
  private final Graph graph;

  InputRules(Graph graph) {
    this.graph = graph;
    this.inputs = List.copyOf(graph.inputs());
    graph.nodes().forEach(node -> nodes.put(node.name(), node));
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Embedding op) {
        long rows = graph.parameter(op.weight()).shape().dim(0).offset();
        addIndices(node.name(), node.inputs().get(0), rows, false);
      } else if (node.op() instanceof LayerOp.AdapterLinear op) {
        long adapters = graph.parameter(op.a()).shape().dim(0).offset();
        addIndices(node.name(), node.inputs().get(1), adapters, false);
      } else if (node.op() instanceof LossOp.Preference
          || node.op() instanceof LossOp.Contrastive) {
        paired.add(node);
      } else if (node.op() instanceof LossOp.CrossEntropy
          || node.op() instanceof LossOp.SequenceLogProbability) {
        Dim classes = graph.type(node.inputs().get(0)).shape().dim(-1);
        if (classes.fixed()) {
          addIndices(node.name(), node.inputs().get(1), classes.offset(), true);
        }
      } else if (node.op() instanceof LayerOp.BatchNorm) {
        normalised.add(node);
      }
    }
  }

  private void addIndices(String layer, String value, long limit, boolean targets) {
    Node node = nodes.get(value);
    if (node == null) {
      for (int i = 0; i < inputs.size(); i++) {
        if (inputs.get(i).name().equals(value)) {
          indices.add(new Indices(layer, i, limit, targets));
        }
      }
    } else if (node.op() instanceof ShapeOp.Reshape || node.op() instanceof ShapeOp.Transpose) {
      addIndices(layer, node.inputs().get(0), limit, targets);
    } else if (node.op() instanceof SequenceOp.Prepend op) {
      if (!targets || op.value() != LossOp.IGNORED) {
        requireConstant(layer, op.value(), limit);
      }
      addIndices(layer, node.inputs().get(0), limit, targets);
    } else if (node.op() instanceof SequenceOp.ConstantIds op) {
      requireConstant(layer, op.id(), limit);
    } else if (node.op() instanceof SequenceOp.PositionIds op) {
      positions.add(new Positions(layer, node.type().shape().dim(1), op.first(), limit));
    }
  }

  private static void requireConstant(String layer, long id, long limit) {
    if (id < 0 || id >= limit) {
      throw new GraphException(
          layer, "expected ids from 0 and below " + limit + ", got the constant " + id);
    }
  }

  List<Input> inputs() {
    return inputs;
  }

  /**
   * The values of the symbolic sizes.
   *
   * @param training whether batch norm takes its statistics from the batch
   * @throws GraphException if a tensor is missing or does not fit, or if a size is out of bounds
   */
  Map<String, Long> sizes(Map<String, Tensor> tensors, boolean training) {
    Map<String, Long> sizes = graph.sizes(tensors);
    for (Positions table : positions) {
      long end = table.first + table.length.resolve(sizes);
      if (end > table.rows) {
        throw new GraphException(
            table.layer,
            "expected at most " + table.rows + " positions, got " + end + "; cut the sequence");
      }
    }
    for (Node pairs : paired) {
      long rows = graph.type(pairs.inputs().get(0)).shape().dim(0).resolve(sizes);
      if (rows % 2 != 0) {
        throw new GraphException(
            pairs.name(),
            "expected rows in pairs, so an even number of them, got "
                + rows
                + "; use even batches");
      }
    }
    if (training) {
      normalised.forEach(node -> requireSpread(node, sizes));
    }
    return sizes;
  }

  private void requireSpread(Node node, Map<String, Long> sizes) {
    long[] x = graph.type(node.inputs().get(0)).shape().resolve(sizes);
    if (Tensor.elements(x) == x[1]) {
      throw new GraphException(
          node.name(),
          "expected more than one value for each channel to train on, got "
              + Arrays.toString(x)
              + "; use a larger batch");
    }
  }

  /**
   * Checks the indices in a batch.
   *
   * @param elements a buffer for each input, in the order of {@link #inputs}
   * @throws GraphException if one lies outside its table, or if no target counts
   */
  void requireIndices(List<HostTensor> elements) {
    for (Indices rule : indices) {
      LongBuffer longs = elements.get(rule.input).bytes().asLongBuffer();
      long scored = 0;
      for (int i = 0; i < longs.limit(); i++) {
        long index = longs.get(i);
        if (index >= 0 && index < rule.limit) {
          scored++;
        } else if (!rule.targets || index != LossOp.IGNORED) {
          throw outside(rule, i, index);
        }
      }
      if (scored == 0) {
        throw new GraphException(
            inputs.get(rule.input).name(),
            "expected at least one target that counts, got only " + LossOp.IGNORED);
      }
    }
  }

  private GraphException outside(Indices rule, int position, long index) {
    return new GraphException(
        inputs.get(rule.input).name(),
        "expected "
            + (rule.targets ? "classes" : "ids")
            + " from 0 and below "
            + rule.limit
            + " for layer '"
            + rule.layer
            + "'"
            + (rule.targets ? " or " + LossOp.IGNORED : "")
            + ", got "
            + index
            + " at element "
            + position);
  }

  /** Whether tensors have the types and shapes of some others, which were checked. */
  boolean same(Map<String, Tensor> tensors, List<HostTensor> checked) {
    for (int i = 0; i < inputs.size(); i++) {
      if (!same(tensors.get(inputs.get(i).name()), checked.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean same(@Nullable Tensor tensor, HostTensor checked) {
    if (tensor == null || tensor.dtype() != checked.dtype() || tensor.rank() != checked.rank()) {
      return false;
    }
    for (int axis = 0; axis < tensor.rank(); axis++) {
      if (tensor.size(axis) != checked.size(axis)) {
        return false;
      }
    }
    return true;
  }
}
