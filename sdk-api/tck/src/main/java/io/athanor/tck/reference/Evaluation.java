package io.athanor.tck.reference;

import io.athanor.api.common.DType;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.OpVisitor;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.QuantizedOp;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One run of a graph over one batch, forward and then, if wanted, backward. */
final class Evaluation implements OpVisitor<Result> {
  private final Graph graph;
  private final Map<String, Array> parameters;
  private final @Nullable SplittableRandom dropout;
  private final Map<String, Array> values;
  private final Map<String, Result> results = new LinkedHashMap<>();

  private Evaluation(
      Graph graph,
      Map<String, Array> parameters,
      Map<String, Array> inputs,
      @Nullable SplittableRandom dropout) {
    this.graph = graph;
    this.parameters = new HashMap<>(parameters);
    this.values = new HashMap<>(inputs);
    this.dropout = dropout;
    for (Node node : graph.nodes()) {
      Result result = node.op().accept(this, node);
      results.put(node.name(), result);
      values.put(node.name(), result.value());
    }
  }

  /** Forward without dropout, with running statistics. */
  static Evaluation predict(Graph graph, Map<String, Array> parameters, Map<String, Array> inputs) {
    return new Evaluation(graph, parameters, inputs, null);
  }

  /** Forward with dropout drawn from a stream, and with statistics of the batch. */
  static Evaluation train(
      Graph graph,
      Map<String, Array> parameters,
      Map<String, Array> inputs,
      SplittableRandom dropout) {
    return new Evaluation(graph, parameters, inputs, dropout);
  }

  /** The result of a node, or an input. */
  Array value(String name) {
    Array value = values.get(name);
    if (value == null) {
      throw new GraphException(name, "there is no value of this name in " + graph.name());
    }
    return value;
  }

  /** The parameters after the run, which moves running statistics in training. */
  Map<String, Array> parameters() {
    return parameters;
  }

  /** The gradients of a scalar value with respect to every trained parameter. */
  Map<String, Array> gradients(String loss) {
    Map<String, Array> ofValues = new HashMap<>();
    Map<String, Array> ofParameters = new LinkedHashMap<>();
    for (Parameter parameter : graph.parameters()) {
      if (parameter.trained()) {
        ofParameters.put(parameter.name(), parameter(parameter.name()).zerosLike());
      }
    }
    ofValues.put(loss, Array.scalar(1));
    List<Node> reversed = new ArrayList<>(graph.nodes());
    Collections.reverse(reversed);
    for (Node node : reversed) {
      Array gradient = ofValues.get(node.name());
      Result result = results.get(node.name());
      if (gradient == null || result == null) {
        continue;
      }
      List<Array> ofArguments = result.backward().apply(gradient);
      int next = 0;
      for (String input : node.inputs()) {
        Array share = ofArguments.get(next++);
        ofValues.computeIfAbsent(input, name -> share.zerosLike()).add(1, share);
      }
      for (String parameter : node.op().parameters()) {
        Array share = ofArguments.get(next++);
        ofParameters.computeIfPresent(
            parameter,
            (name, sum) -> {
              sum.add(1, share);
              return sum;
            });
      }
    }
    return ofParameters;
  }

  private Array input(Node node, int index) {
    return value(node.inputs().get(index));
  }

  private @Nullable Array optionalInput(Node node, int index) {
    return index < node.inputs().size() ? input(node, index) : null;
  }

  private Array parameter(String name) {
    Array array = parameters.get(name);
    if (array == null) {
      throw new GraphException(name, "there are no weights for this parameter");
    }
    return array;
  }

  private @Nullable Array optionalParameter(@Nullable String name) {
    return name == null ? null : parameter(name);
  }

  private Array integers(Node node, int index, long bound, boolean mayBeIgnored) {
    Array ids = input(node, index);
    for (double id : ids.values) {
      if (!((id >= 0 && id < bound) || (mayBeIgnored && id == LossOp.IGNORED))) {
        throw new GraphException(
            node.name(),
            "expected '"
                + node.inputs().get(index)
                + "' to be at least 0 and below "
                + bound
                + (mayBeIgnored ? ", or " + LossOp.IGNORED + " for no target" : "")
                + ", got "
                + (long) id);
      }
    }
    return ids;
  }

  /** The first input, whose rows must come in pairs. */
  private Array pairs(Node node) {
    Array x = input(node, 0);
    if (x.size(0) % 2 != 0) {
      throw new GraphException(
          node.name(), "expected rows in pairs, got " + x.size(0) + " rows; use even batches");
    }
    return x;
  }

  /** Factors under dropout: ones when predicting. */
  private Array keep(double rate, int... shape) {
    SplittableRandom random = dropout;
    return random == null || rate == 0
        ? Array.zeros(shape).map(zero -> 1)
        : Array.zeros(shape).map(zero -> random.nextDouble() < rate ? 0 : 1 / (1 - rate));
  }

  @Override
  public Result linear(Node node, LayerOp.Linear op) {
    return Layers.linear(input(node, 0), parameter(op.weight()), optionalParameter(op.bias()));
  }

  @Override
  public Result embedding(Node node, LayerOp.Embedding op) {
    Array weight = parameter(op.weight());
    return Layers.embedding(integers(node, 0, weight.size(0), false), weight);
  }

  @Override
  public Result quantizedLinear(Node node, QuantizedOp.QuantizedLinear op) {
    Array weight = Layers.scaled(parameter(op.weight()), parameter(op.scale()));
    return Layers.linear(input(node, 0), weight, optionalParameter(op.bias()));
  }

  @Override
  public Result quantizedEmbedding(Node node, QuantizedOp.QuantizedEmbedding op) {
    Array table = Layers.scaled(parameter(op.weight()), parameter(op.scale()));
    return Layers.embedding(integers(node, 0, table.size(0), false), table);
  }

  @Override
  public Result conv2d(Node node, LayerOp.Conv2d op) {
    return Windows.conv2d(
        input(node, 0),
        parameter(op.weight()),
        optionalParameter(op.bias()),
        op.stride(),
        op.padding());
  }

  @Override
  public Result layerNorm(Node node, LayerOp.LayerNorm op) {
    return Layers.layerNorm(
        input(node, 0), parameter(op.weight()), optionalParameter(op.bias()), op.epsilon());
  }

  @Override
  public Result rmsNorm(Node node, LayerOp.RmsNorm op) {
    return Layers.rmsNorm(input(node, 0), parameter(op.weight()), op.epsilon(), op.offset());
  }

  @Override
  public Result batchNorm(Node node, LayerOp.BatchNorm op) {
    Array x = input(node, 0);
    boolean ofBatch = dropout != null;
    Layers.Moments moments =
        ofBatch
            ? Layers.Moments.of(x)
            : new Layers.Moments(parameter(op.mean()), parameter(op.variance()), 0);
    if (ofBatch) {
      if (moments.count() < 2) {
        throw new GraphException(
            node.name(),
            "expected more than one element per channel in training, got a batch of one; use larger"
                + " batches or drop the last one");
      }
      move(op.mean(), moments.mean(), op.momentum());
      move(op.variance(), moments.unbiasedVariance(), op.momentum());
    }
    return Layers.batchNorm(
        x, parameter(op.weight()), parameter(op.bias()), moments, ofBatch, op.epsilon());
  }

  private void move(String statistic, Array seen, double momentum) {
    Array moved = parameter(statistic).map(old -> (1 - momentum) * old);
    moved.add(momentum, seen);
    parameters.put(statistic, moved);
  }

  @Override
  public Result lstm(Node node, LayerOp.Lstm op) {
    return Recurrent.lstm(input(node, 0), cell(op.parameters()));
  }

  @Override
  public Result gru(Node node, LayerOp.Gru op) {
    return Recurrent.gru(input(node, 0), cell(op.parameters()));
  }

  private Recurrent.Cell cell(List<String> names) {
    return new Recurrent.Cell(
        parameter(names.get(0)),
        parameter(names.get(1)),
        parameter(names.get(2)),
        parameter(names.get(3)));
  }

  @Override
  public Result positionIds(Node node, SequenceOp.PositionIds op) {
    return Sequences.positionIds(input(node, 0), op.first());
  }

  @Override
  public Result rope(Node node, SequenceOp.Rope op) {
    return Sequences.rope(input(node, 0), optionalInput(node, 1), op);
  }

  @Override
  public Result attention(Node node, SequenceOp.Attention op) {
    Array query = input(node, 0);
    Array key = input(node, 1);
    Array mask = optionalInput(node, 3);
    boolean documents = mask != null && graph.type(node.inputs().get(3)).dtype() == DType.I64;
    return Sequences.attention(
        query,
        key,
        input(node, 2),
        mask,
        Sequences.sight(op, mask, documents),
        op,
        keep(op.dropout(), query.size(0), op.heads(), query.size(1), key.size(1)));
  }

  @Override
  public Result sequencePool(Node node, SequenceOp.SequencePool op) {
    return Sequences.pool(input(node, 0), optionalInput(node, 1), op.kind());
  }

  @Override
  public Result activation(Node node, ElementOp.Activation op) {
    return Elements.activation(input(node, 0), op.kind());
  }

  @Override
  public Result add(Node node, ElementOp.Add op) {
    return Elements.add(input(node, 0), input(node, 1));
  }

  @Override
  public Result multiply(Node node, ElementOp.Multiply op) {
    return Elements.multiply(input(node, 0), input(node, 1));
  }

  @Override
  public Result scale(Node node, ElementOp.Scale op) {
    return Elements.scale(input(node, 0), op.factor());
  }

  @Override
  public Result softmax(Node node, ElementOp.Softmax op) {
    return Elements.softmax(input(node, 0));
  }

  @Override
  public Result logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return Elements.logSoftmax(input(node, 0));
  }

  @Override
  public Result dropout(Node node, ElementOp.Dropout op) {
    Array x = input(node, 0);
    return Elements.dropout(x, keep(op.rate(), x.shape));
  }

  @Override
  public Result reshape(Node node, ShapeOp.Reshape op) {
    return Axes.reshape(input(node, 0), op.sizes());
  }

  @Override
  public Result transpose(Node node, ShapeOp.Transpose op) {
    return Axes.transpose(input(node, 0), op.axes());
  }

  @Override
  public Result concat(Node node, ShapeOp.Concat op) {
    return Axes.concat(node.inputs().stream().map(this::value).toList(), op.axis());
  }

  @Override
  public Result slice(Node node, ShapeOp.Slice op) {
    return Axes.slice(
        input(node, 0), op.axis(), Math.toIntExact(op.from()), Math.toIntExact(op.to()));
  }

  @Override
  public Result reduce(Node node, ShapeOp.Reduce op) {
    return Axes.reduce(input(node, 0), op);
  }

  @Override
  public Result pool2d(Node node, ShapeOp.Pool2d op) {
    return Windows.pool2d(input(node, 0), op);
  }

  @Override
  public Result crossEntropy(Node node, LossOp.CrossEntropy op) {
    Array logits = input(node, 0);
    return Losses.crossEntropy(
        logits, integers(node, 1, logits.size(-1), true), op.labelSmoothing());
  }

  @Override
  public Result binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return Losses.binaryCrossEntropy(input(node, 0), input(node, 1));
  }

  @Override
  public Result meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return Losses.meanSquaredError(input(node, 0), input(node, 1));
  }

  @Override
  public Result huber(Node node, LossOp.Huber op) {
    return Losses.huber(input(node, 0), input(node, 1), op.delta());
  }

  @Override
  public Result adapterLinear(Node node, LayerOp.AdapterLinear op) {
    Array a = parameter(op.a());
    return Layers.adapterLinear(
        input(node, 0), integers(node, 1, a.size(0), false), a, parameter(op.b()));
  }

  @Override
  public Result virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return Layers.virtualTokens(input(node, 0), parameter(op.weight()));
  }

  @Override
  public Result constantIds(Node node, SequenceOp.ConstantIds op) {
    return Sequences.constantIds(input(node, 0), op.id());
  }

  @Override
  public Result prepend(Node node, SequenceOp.Prepend op) {
    return Sequences.prepend(input(node, 0), op.count(), op.value());
  }

  @Override
  public Result skip(Node node, SequenceOp.Skip op) {
    return Sequences.skip(input(node, 0), op.count());
  }

  @Override
  public Result normalize(Node node, ElementOp.Normalize op) {
    return Elements.normalize(input(node, 0));
  }

  @Override
  public Result sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    Array logits = input(node, 0);
    return Losses.sequenceLogProbability(logits, integers(node, 1, logits.size(-1), true));
  }

  @Override
  public Result preference(Node node, LossOp.Preference op) {
    return Losses.preference(pairs(node), input(node, 1), op.beta());
  }

  @Override
  public Result contrastive(Node node, LossOp.Contrastive op) {
    return Losses.contrastive(pairs(node), op.temperature());
  }
}
