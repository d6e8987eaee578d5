package io.athanor.api.backend;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What each operation's backward pass reads again, as the gradients of the DJL backend do: values
 * of the graph, which several operations may keep together, and buffers of its own.
 */
final class KeptForBackward implements OpVisitor<KeptForBackward.Kept> {
  /**
   * What is kept.
   *
   * @param values names of the graph's values
   * @param elements further numbers of 32 bits
   * @param scratch numbers of 32 bits that the operation holds while it runs, forward or backward,
   *     besides its results
   */
  record Kept(List<String> values, long elements, long scratch) {
    long bytes() {
      return Math.multiplyExact(elements, (long) Float.BYTES);
    }

    long scratchBytes() {
      return Math.multiplyExact(scratch, (long) Float.BYTES);
    }

    Kept scratch(long numbers) {
      return new Kept(values, elements, numbers);
    }
  }

  private static final Kept NOTHING = new Kept(List.of(), 0, 0);

  private final Graph graph;
  private final Map<String, Long> sizes;
  private final Set<String> needGradient;

  KeptForBackward(Graph graph, Map<String, Long> sizes, Set<String> needGradient) {
    this.graph = graph;
    this.sizes = sizes;
    this.needGradient = needGradient;
  }

  private long elements(String value) {
    return graph.type(value).shape().elements(sizes);
  }

  private static Kept inputs(Node node) {
    return new Kept(node.inputs(), 0, 0);
  }

  private static Kept result(Node node) {
    return new Kept(List.of(node.name()), 0, 0);
  }

  /** The input, which only the gradient of the weights reads. */
  private Kept inputForWeights(Node node, String weight) {
    return graph.parameter(weight).trained() ? inputs(node) : NOTHING;
  }

  /** The input, and some statistics for each row of the last axis. */
  private Kept normalised(Node node, long statistics) {
    return normalised(node, statistics, graph.type(node.name()).shape().dim(-1).resolve(sizes));
  }

  /** The input, and some statistics for each run of {@code size} elements. */
  private Kept normalised(Node node, long statistics, long size) {
    return new Kept(node.inputs(), statistics * (elements(node.name()) / size), 0);
  }

  @Override
  public Kept linear(Node node, LayerOp.Linear op) {
    return inputForWeights(node, op.weight());
  }

  @Override
  public Kept embedding(Node node, LayerOp.Embedding op) {
    return inputs(node);
  }

  @Override
  public Kept conv2d(Node node, LayerOp.Conv2d op) {
    return inputForWeights(node, op.weight());
  }

  @Override
  public Kept layerNorm(Node node, LayerOp.LayerNorm op) {
    return normalised(node, 2);
  }

  @Override
  public Kept rmsNorm(Node node, LayerOp.RmsNorm op) {
    return normalised(node, 1, graph.parameter(op.weight()).shape().elements())
        .scratch(elements(node.name()));
  }

  @Override
  public Kept batchNorm(Node node, LayerOp.BatchNorm op) {
    long channels = graph.parameter(op.weight()).shape().elements();
    return new Kept(node.inputs(), Math.multiplyExact(2L, channels), 0);
  }

  @Override
  public Kept lstm(Node node, LayerOp.Lstm op) {
    return recurrent(node, 8, 4);
  }

  @Override
  public Kept gru(Node node, LayerOp.Gru op) {
    return recurrent(node, 7, 3);
  }

  /**
   * Input and states, and for each state element its gates, cell and products.
   *
   * @param gates whose slopes of all steps are collected
   */
  private Kept recurrent(Node node, long buffers, long gates) {
    long states = elements(node.name());
    return new Kept(
        List.of(node.inputs().get(0), node.name()),
        Math.multiplyExact(buffers, states),
        Math.multiplyExact(gates, states));
  }

  /** Both inputs, the product in between, and the matrices of each row's adapter. */
  @Override
  public Kept adapterLinear(Node node, LayerOp.AdapterLinear op) {
    long in = graph.type(node.inputs().get(0)).shape().dim(2).offset();
    long rank = graph.parameter(op.a()).shape().dim(1).offset();
    long out = graph.parameter(op.b()).shape().dim(1).offset();
    long product = Math.multiplyExact(elements(node.inputs().get(0)) / in, rank);
    long chosen = Math.multiplyExact(elements(node.inputs().get(1)), rank * (in + out));
    return new Kept(node.inputs(), Math.addExact(product, chosen), 0);
  }

  @Override
  public Kept virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return NOTHING;
  }

  @Override
  public Kept positionIds(Node node, SequenceOp.PositionIds op) {
    return NOTHING;
  }

  @Override
  public Kept rope(Node node, SequenceOp.Rope op) {
    return NOTHING.scratch(2 * elements(node.name()));
  }

  /**
   * A fused kernel keeps one number for each row; with dropout or a cap, the shares of all pairs
   * are kept, and the mask. Keys and values that several heads read are copied for each.
   */
  @Override
  public Kept attention(Node node, SequenceOp.Attention op) {
    String query = node.inputs().get(0);
    long[] q = graph.type(query).shape().resolve(sizes);
    long positions = graph.type(node.inputs().get(1)).shape().dim(1).resolve(sizes);
    long rows = Math.multiplyExact(q[0] * op.heads(), q[1]);
    long copies = 0;
    List<String> values = new ArrayList<>(List.of(query));
    for (String input : node.inputs().subList(1, 3)) {
      if (op.keyHeads() == op.heads()) {
        values.add(input);
      } else {
        copies = Math.addExact(copies, elements(input) / op.keyHeads() * op.heads());
      }
    }
    values.addAll(node.inputs().subList(3, node.inputs().size()));
    if (op.dropout() == 0 && op.softCap() == 0) {
      values.add(node.name());
      return new Kept(values, Math.addExact(rows, copies), copies);
    }
    long pairs = Math.multiplyExact(rows, positions);
    long buffers = 1L + (op.dropout() > 0 ? 1 : 0) + (op.softCap() > 0 ? 1 : 0);
    return new Kept(values, Math.addExact(buffers * pairs, copies), 2 * pairs + copies);
  }

  @Override
  public Kept sequencePool(Node node, SequenceOp.SequencePool op) {
    if (op.kind() == SequenceOp.SequencePool.Kind.MAX) {
      return inputs(node);
    }
    return new Kept(node.inputs().subList(1, node.inputs().size()), 0, 0);
  }

  @Override
  public Kept constantIds(Node node, SequenceOp.ConstantIds op) {
    return NOTHING;
  }

  @Override
  public Kept prepend(Node node, SequenceOp.Prepend op) {
    return NOTHING;
  }

  @Override
  public Kept skip(Node node, SequenceOp.Skip op) {
    return NOTHING;
  }

  @Override
  public Kept activation(Node node, ElementOp.Activation op) {
    return switch (op.kind()) {
      case RELU, LEAKY_RELU, TANH, SIGMOID, ELU -> result(node);
      case GELU, GELU_TANH, SILU, SOFTPLUS -> inputs(node);
    };
  }

  @Override
  public Kept add(Node node, ElementOp.Add op) {
    return NOTHING;
  }

  /** Each factor is read for the gradient of the other. */
  @Override
  public Kept multiply(Node node, ElementOp.Multiply op) {
    String left = node.inputs().get(0);
    String right = node.inputs().get(1);
    if (needGradient.contains(left) && needGradient.contains(right)) {
      return inputs(node);
    }
    return new Kept(List.of(needGradient.contains(left) ? right : left), 0, 0);
  }

  @Override
  public Kept scale(Node node, ElementOp.Scale op) {
    return NOTHING;
  }

  @Override
  public Kept softmax(Node node, ElementOp.Softmax op) {
    return result(node);
  }

  @Override
  public Kept logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return result(node);
  }

  /** A factor for each element. */
  @Override
  public Kept dropout(Node node, ElementOp.Dropout op) {
    return op.rate() == 0 ? NOTHING : new Kept(List.of(), elements(node.name()), 0);
  }

  @Override
  public Kept normalize(Node node, ElementOp.Normalize op) {
    return normalised(node, 1);
  }

  @Override
  public Kept reshape(Node node, ShapeOp.Reshape op) {
    return NOTHING;
  }

  @Override
  public Kept transpose(Node node, ShapeOp.Transpose op) {
    return NOTHING;
  }

  @Override
  public Kept concat(Node node, ShapeOp.Concat op) {
    return NOTHING;
  }

  @Override
  public Kept slice(Node node, ShapeOp.Slice op) {
    return NOTHING;
  }

  @Override
  public Kept reduce(Node node, ShapeOp.Reduce op) {
    if (op.statistic() != ShapeOp.Reduce.Statistic.MAX) {
      return NOTHING;
    }
    return new Kept(List.of(node.inputs().get(0), node.name()), 0, 0);
  }

  /** The maximum keeps the place of each largest element. */
  @Override
  public Kept pool2d(Node node, ShapeOp.Pool2d op) {
    boolean max = op.kind() == ShapeOp.Pool2d.Kind.MAX;
    long places = max ? 2 * elements(node.name()) : 0;
    long copies = elements(node.inputs().get(0)) + elements(node.name()) + places;
    return new Kept(node.inputs(), places, copies);
  }

  /** Targets, and the logarithm of the softmax. */
  @Override
  public Kept crossEntropy(Node node, LossOp.CrossEntropy op) {
    long logits = elements(node.inputs().get(0));
    return new Kept(List.of(node.inputs().get(1)), logits, logits);
  }

  @Override
  public Kept binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return inputs(node);
  }

  @Override
  public Kept meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return inputs(node);
  }

  @Override
  public Kept huber(Node node, LossOp.Huber op) {
    return inputs(node);
  }

  /** Targets, and the logarithm of the softmax. */
  @Override
  public Kept sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    long logits = elements(node.inputs().get(0));
    return new Kept(List.of(node.inputs().get(1)), logits, logits);
  }

  @Override
  public Kept preference(Node node, LossOp.Preference op) {
    return inputs(node);
  }

  /** The vectors, and the logarithm of the softmax over all pairs. */
  @Override
  public Kept contrastive(Node node, LossOp.Contrastive op) {
    long pairs = graph.type(node.inputs().get(0)).shape().dim(0).resolve(sizes) / 2;
    return new Kept(node.inputs(), Math.multiplyExact(pairs, pairs), 0);
  }
}
