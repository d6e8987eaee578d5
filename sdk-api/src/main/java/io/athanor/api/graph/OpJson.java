package io.athanor.api.graph;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** The attributes of each operation as JSON, under an id that is its name in lower camel case. */
final class OpJson implements OpVisitor<ObjectNode> {
  private static final int MAX_SIZES = 16;
  private static final int MAX_PARAMETERS = 100_000;

  private static final Map<String, Function<JsonFields, Op>> READERS =
      Map.ofEntries(
          Map.entry("linear", f -> new LayerOp.Linear(f.text("weight"), f.textOrNull("bias"))),
          Map.entry("embedding", f -> new LayerOp.Embedding(f.text("weight"))),
          Map.entry(
              "quantizedLinear",
              f ->
                  new QuantizedOp.QuantizedLinear(
                      f.text("weight"), f.text("scale"), f.textOrNull("bias"))),
          Map.entry(
              "quantizedEmbedding",
              f -> new QuantizedOp.QuantizedEmbedding(f.text("weight"), f.text("scale"))),
          Map.entry(
              "conv2d",
              f ->
                  new LayerOp.Conv2d(
                      f.text("weight"),
                      f.textOrNull("bias"),
                      f.smallInteger("stride"),
                      f.smallInteger("padding"))),
          Map.entry(
              "layerNorm",
              f ->
                  new LayerOp.LayerNorm(
                      f.text("weight"), f.textOrNull("bias"), f.number("epsilon"))),
          Map.entry(
              "rmsNorm",
              f -> new LayerOp.RmsNorm(f.text("weight"), f.number("epsilon"), f.number("offset"))),
          Map.entry("adapterLinear", f -> new LayerOp.AdapterLinear(f.text("a"), f.text("b"))),
          Map.entry("virtualTokens", f -> new LayerOp.VirtualTokens(f.text("weight"))),
          Map.entry(
              "foreign",
              f ->
                  new LayerOp.Foreign(
                      f.text("format"),
                      f.text("program"),
                      f.texts("parameters", MAX_PARAMETERS),
                      GraphJson.type(f.object("result")))),
          Map.entry(
              "batchNorm",
              f ->
                  new LayerOp.BatchNorm(
                      f.text("weight"),
                      f.text("bias"),
                      f.text("mean"),
                      f.text("variance"),
                      f.number("epsilon"),
                      f.number("momentum"))),
          Map.entry(
              "lstm",
              f ->
                  new LayerOp.Lstm(
                      f.text("inputWeight"),
                      f.text("hiddenWeight"),
                      f.text("inputBias"),
                      f.text("hiddenBias"))),
          Map.entry(
              "gru",
              f ->
                  new LayerOp.Gru(
                      f.text("inputWeight"),
                      f.text("hiddenWeight"),
                      f.text("inputBias"),
                      f.text("hiddenBias"))),
          Map.entry("positionIds", f -> new SequenceOp.PositionIds(f.smallInteger("first"))),
          Map.entry(
              "rope",
              f ->
                  new SequenceOp.Rope(
                      f.smallInteger("headSize"),
                      f.number("base"),
                      RopeScalingJson.read(f.object("scaling")))),
          Map.entry("constantIds", f -> new SequenceOp.ConstantIds(f.integer("id"))),
          Map.entry(
              "prepend", f -> new SequenceOp.Prepend(f.smallInteger("count"), f.integer("value"))),
          Map.entry("skip", f -> new SequenceOp.Skip(f.smallInteger("count"))),
          Map.entry(
              "attention",
              f ->
                  new SequenceOp.Attention(
                      f.smallInteger("heads"),
                      f.smallInteger("keyHeads"),
                      f.flag("causal"),
                      f.number("dropout"),
                      f.number("scale"),
                      f.smallInteger("window"),
                      f.number("softCap"))),
          Map.entry(
              "sequencePool",
              f ->
                  new SequenceOp.SequencePool(
                      f.choice("kind", SequenceOp.SequencePool.Kind.class))),
          Map.entry(
              "activation",
              f -> new ElementOp.Activation(f.choice("kind", ElementOp.Activation.Kind.class))),
          Map.entry("add", f -> new ElementOp.Add()),
          Map.entry("multiply", f -> new ElementOp.Multiply()),
          Map.entry("scale", f -> new ElementOp.Scale(f.number("factor"))),
          Map.entry("softmax", f -> new ElementOp.Softmax()),
          Map.entry("logSoftmax", f -> new ElementOp.LogSoftmax()),
          Map.entry("dropout", f -> new ElementOp.Dropout(f.number("rate"))),
          Map.entry("normalize", f -> new ElementOp.Normalize()),
          Map.entry("reshape", f -> new ShapeOp.Reshape(f.integers("sizes", MAX_SIZES))),
          Map.entry("transpose", f -> new ShapeOp.Transpose(f.smallIntegers("axes", MAX_SIZES))),
          Map.entry("concat", f -> new ShapeOp.Concat(f.smallInteger("axis"))),
          Map.entry(
              "slice",
              f -> new ShapeOp.Slice(f.smallInteger("axis"), f.integer("from"), f.integer("to"))),
          Map.entry(
              "reduce",
              f ->
                  new ShapeOp.Reduce(
                      f.choice("statistic", ShapeOp.Reduce.Statistic.class),
                      f.smallIntegers("axes", MAX_SIZES))),
          Map.entry(
              "pool2d",
              f ->
                  new ShapeOp.Pool2d(
                      f.choice("kind", ShapeOp.Pool2d.Kind.class),
                      f.smallInteger("kernel"),
                      f.smallInteger("stride"),
                      f.smallInteger("padding"))),
          Map.entry("crossEntropy", f -> new LossOp.CrossEntropy(f.number("labelSmoothing"))),
          Map.entry("binaryCrossEntropy", f -> new LossOp.BinaryCrossEntropy()),
          Map.entry("meanSquaredError", f -> new LossOp.MeanSquaredError()),
          Map.entry("huber", f -> new LossOp.Huber(f.number("delta"))),
          Map.entry("sequenceLogProbability", f -> new LossOp.SequenceLogProbability()),
          Map.entry("preference", f -> new LossOp.Preference(f.number("beta"))),
          Map.entry("contrastive", f -> new LossOp.Contrastive(f.number("temperature"))));

  private OpJson() {}

  static String id(Op op) {
    String name = op.getClass().getSimpleName();
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }

  static ObjectNode write(Node node) {
    return node.op().accept(new OpJson(), node);
  }

  static Op read(String id, JsonFields attributes) {
    Function<JsonFields, Op> reader = READERS.get(id);
    if (reader == null) {
      throw attributes.fail(
          "unknown operation '"
              + id
              + "'; a newer version may have written it. This one knows "
              + new TreeMap<>(READERS).keySet());
    }
    return reader.apply(attributes);
  }

  private static ObjectNode json() {
    return JsonNodeFactory.instance.objectNode();
  }

  @Override
  public ObjectNode linear(Node node, LayerOp.Linear op) {
    return json().put("weight", op.weight()).put("bias", op.bias());
  }

  @Override
  public ObjectNode embedding(Node node, LayerOp.Embedding op) {
    return json().put("weight", op.weight());
  }

  @Override
  public ObjectNode quantizedLinear(Node node, QuantizedOp.QuantizedLinear op) {
    return json().put("weight", op.weight()).put("scale", op.scale()).put("bias", op.bias());
  }

  @Override
  public ObjectNode quantizedEmbedding(Node node, QuantizedOp.QuantizedEmbedding op) {
    return json().put("weight", op.weight()).put("scale", op.scale());
  }

  @Override
  public ObjectNode conv2d(Node node, LayerOp.Conv2d op) {
    return json()
        .put("weight", op.weight())
        .put("bias", op.bias())
        .put("stride", op.stride())
        .put("padding", op.padding());
  }

  @Override
  public ObjectNode layerNorm(Node node, LayerOp.LayerNorm op) {
    return json().put("weight", op.weight()).put("bias", op.bias()).put("epsilon", op.epsilon());
  }

  @Override
  public ObjectNode rmsNorm(Node node, LayerOp.RmsNorm op) {
    return json()
        .put("weight", op.weight())
        .put("epsilon", op.epsilon())
        .put("offset", op.offset());
  }

  @Override
  public ObjectNode adapterLinear(Node node, LayerOp.AdapterLinear op) {
    return json().put("a", op.a()).put("b", op.b());
  }

  @Override
  public ObjectNode virtualTokens(Node node, LayerOp.VirtualTokens op) {
    return json().put("weight", op.weight());
  }

  @Override
  public ObjectNode batchNorm(Node node, LayerOp.BatchNorm op) {
    return json()
        .put("weight", op.weight())
        .put("bias", op.bias())
        .put("mean", op.mean())
        .put("variance", op.variance())
        .put("epsilon", op.epsilon())
        .put("momentum", op.momentum());
  }

  @Override
  public ObjectNode lstm(Node node, LayerOp.Lstm op) {
    return json()
        .put("inputWeight", op.inputWeight())
        .put("hiddenWeight", op.hiddenWeight())
        .put("inputBias", op.inputBias())
        .put("hiddenBias", op.hiddenBias());
  }

  @Override
  public ObjectNode gru(Node node, LayerOp.Gru op) {
    return json()
        .put("inputWeight", op.inputWeight())
        .put("hiddenWeight", op.hiddenWeight())
        .put("inputBias", op.inputBias())
        .put("hiddenBias", op.hiddenBias());
  }

  @Override
  public ObjectNode foreign(Node node, LayerOp.Foreign op) {
    ObjectNode json = json().put("format", op.format()).put("program", op.program());
    op.parameters().forEach(json.putArray("parameters")::add);
    json.set("result", GraphJson.type(op.result()));
    return json;
  }

  @Override
  public ObjectNode positionIds(Node node, SequenceOp.PositionIds op) {
    return json().put("first", op.first());
  }

  @Override
  public ObjectNode rope(Node node, SequenceOp.Rope op) {
    ObjectNode json = json().put("headSize", op.headSize()).put("base", op.base());
    json.set("scaling", RopeScalingJson.write(op.scaling()));
    return json;
  }

  @Override
  public ObjectNode constantIds(Node node, SequenceOp.ConstantIds op) {
    return json().put("id", op.id());
  }

  @Override
  public ObjectNode prepend(Node node, SequenceOp.Prepend op) {
    return json().put("count", op.count()).put("value", op.value());
  }

  @Override
  public ObjectNode skip(Node node, SequenceOp.Skip op) {
    return json().put("count", op.count());
  }

  @Override
  public ObjectNode attention(Node node, SequenceOp.Attention op) {
    return json()
        .put("heads", op.heads())
        .put("keyHeads", op.keyHeads())
        .put("causal", op.causal())
        .put("dropout", op.dropout())
        .put("scale", op.scale())
        .put("window", op.window())
        .put("softCap", op.softCap());
  }

  @Override
  public ObjectNode sequencePool(Node node, SequenceOp.SequencePool op) {
    return json().put("kind", JsonFields.lower(op.kind()));
  }

  @Override
  public ObjectNode activation(Node node, ElementOp.Activation op) {
    return json().put("kind", JsonFields.lower(op.kind()));
  }

  @Override
  public ObjectNode add(Node node, ElementOp.Add op) {
    return json();
  }

  @Override
  public ObjectNode multiply(Node node, ElementOp.Multiply op) {
    return json();
  }

  @Override
  public ObjectNode scale(Node node, ElementOp.Scale op) {
    return json().put("factor", op.factor());
  }

  @Override
  public ObjectNode softmax(Node node, ElementOp.Softmax op) {
    return json();
  }

  @Override
  public ObjectNode logSoftmax(Node node, ElementOp.LogSoftmax op) {
    return json();
  }

  @Override
  public ObjectNode dropout(Node node, ElementOp.Dropout op) {
    return json().put("rate", op.rate());
  }

  @Override
  public ObjectNode normalize(Node node, ElementOp.Normalize op) {
    return json();
  }

  @Override
  public ObjectNode reshape(Node node, ShapeOp.Reshape op) {
    ObjectNode json = json();
    op.sizes().forEach(json.putArray("sizes")::add);
    return json;
  }

  @Override
  public ObjectNode transpose(Node node, ShapeOp.Transpose op) {
    ObjectNode json = json();
    op.axes().forEach(json.putArray("axes")::add);
    return json;
  }

  @Override
  public ObjectNode concat(Node node, ShapeOp.Concat op) {
    return json().put("axis", op.axis());
  }

  @Override
  public ObjectNode slice(Node node, ShapeOp.Slice op) {
    return json().put("axis", op.axis()).put("from", op.from()).put("to", op.to());
  }

  @Override
  public ObjectNode reduce(Node node, ShapeOp.Reduce op) {
    ObjectNode json = json().put("statistic", JsonFields.lower(op.statistic()));
    op.axes().forEach(json.putArray("axes")::add);
    return json;
  }

  @Override
  public ObjectNode pool2d(Node node, ShapeOp.Pool2d op) {
    return json()
        .put("kind", JsonFields.lower(op.kind()))
        .put("kernel", op.kernel())
        .put("stride", op.stride())
        .put("padding", op.padding());
  }

  @Override
  public ObjectNode crossEntropy(Node node, LossOp.CrossEntropy op) {
    return json().put("labelSmoothing", op.labelSmoothing());
  }

  @Override
  public ObjectNode binaryCrossEntropy(Node node, LossOp.BinaryCrossEntropy op) {
    return json();
  }

  @Override
  public ObjectNode meanSquaredError(Node node, LossOp.MeanSquaredError op) {
    return json();
  }

  @Override
  public ObjectNode huber(Node node, LossOp.Huber op) {
    return json().put("delta", op.delta());
  }

  @Override
  public ObjectNode sequenceLogProbability(Node node, LossOp.SequenceLogProbability op) {
    return json();
  }

  @Override
  public ObjectNode preference(Node node, LossOp.Preference op) {
    return json().put("beta", op.beta());
  }

  @Override
  public ObjectNode contrastive(Node node, LossOp.Contrastive op) {
    return json().put("temperature", op.temperature());
  }
}
