package io.athanor.training.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.TrainingHistory;
import io.athanor.training.checkpoint.Checkpoint.Best;
import io.athanor.training.checkpoint.Checkpoint.Mean;
import io.athanor.training.checkpoint.Checkpoint.Position;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A {@link Checkpoint} as tensors and JSON.
 *
 * @param tensors named {@code weights/...}, {@code optimizer/...} and, unless the current weights
 *     are the best ones, {@code best/...}
 * @param json the rest
 */
record CheckpointJson(Map<String, Tensor> tensors, ObjectNode json) {
  private static final int FORMAT = 1;
  private static final int MAX_ITEMS = 10_000_000;

  static CheckpointJson write(Checkpoint checkpoint, Map<String, String> identity) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT);
    ObjectNode identityNode = json.putObject("identity");
    identity.forEach(identityNode::put);
    json.put("step", checkpoint.step());
    json.put("epoch", checkpoint.position().epoch());
    json.put("microBatch", checkpoint.position().microBatch());
    json.set("trainLoss", mean(checkpoint.trainLoss()));
    json.set("curveLoss", mean(checkpoint.curveLoss()));
    json.put("stale", checkpoint.stale());
    json.put("nanoseconds", checkpoint.duration().toNanos());
    json.put("stateSteps", checkpoint.state().steps()).put("seed", checkpoint.state().seed());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    checkpoint.state().weights().tensors().forEach((n, t) -> tensors.put("weights/" + n, t));
    checkpoint.state().optimizer().forEach((n, t) -> tensors.put("optimizer/" + n, t));
    checkpoint
        .best()
        .ifPresent(
            best -> {
              json.putObject("best").put("value", best.value()).put("step", best.step());
              if (best.step() != checkpoint.step()) {
                best.weights().tensors().forEach((n, t) -> tensors.put("best/" + n, t));
              }
            });
    json.set("history", history(checkpoint.history()));
    return new CheckpointJson(tensors, json);
  }

  private static ObjectNode mean(Mean mean) {
    return JsonNodeFactory.instance.objectNode().put("sum", mean.sum()).put("count", mean.count());
  }

  private static ObjectNode history(TrainingHistory history) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode curve = json.putArray("curve");
    for (TrainingHistory.Point point : history.curve()) {
      curve
          .addObject()
          .put("step", point.step())
          .put("loss", point.loss())
          .put("learningRate", point.learningRate())
          .put("gradientNorm", point.gradientNorm());
    }
    ArrayNode evaluations = json.putArray("evaluations");
    for (TrainingHistory.Evaluation evaluation : history.evaluations()) {
      ObjectNode item = evaluations.addObject();
      item.put("step", evaluation.step()).put("epoch", evaluation.epoch());
      ObjectNode metrics = item.putObject("metrics");
      evaluation.metrics().forEach(metrics::put);
    }
    return json;
  }

  /** The facts that a checkpoint says it belongs to. */
  static Map<String, String> identity(JsonFields fields) {
    JsonFields identity = fields.object("identity");
    Map<String, String> facts = new TreeMap<>();
    identity.names().forEach(name -> facts.put(name, identity.text(name)));
    return facts;
  }

  static Checkpoint read(JsonFields fields, Map<String, Tensor> tensors) {
    long format = fields.integer("format");
    if (format != FORMAT) {
      throw fields.fail("expected format " + FORMAT + ", got " + format);
    }
    long step = fields.integer("step");
    TrainingState state =
        new TrainingState(
            Weights.of(under("weights/", tensors)),
            under("optimizer/", tensors),
            fields.integer("stateSteps"),
            fields.integer("seed"));
    Optional<Best> best = Optional.empty();
    if (fields.has("best")) {
      JsonFields of = fields.object("best");
      long bestStep = of.integer("step");
      Weights weights = bestStep == step ? state.weights() : Weights.of(under("best/", tensors));
      best = Optional.of(new Best(of.number("value"), bestStep, inMemory(weights)));
    }
    return new Checkpoint(
        step,
        new Position(fields.smallInteger("epoch"), fields.integer("microBatch")),
        mean(fields.object("trainLoss")),
        mean(fields.object("curveLoss")),
        best,
        fields.smallInteger("stale"),
        history(fields.object("history")),
        Duration.ofNanos(fields.integer("nanoseconds")),
        state);
  }

  private static Map<String, Tensor> under(String prefix, Map<String, Tensor> tensors) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.startsWith(prefix)) {
            found.put(name.substring(prefix.length()), tensor);
          }
        });
    return found;
  }

  /** Weights that outlive the file they were mapped from, which retention will delete. */
  private static Weights inMemory(Weights weights) {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    weights
        .tensors()
        .forEach(
            (name, tensor) -> {
              ByteBuffer bytes = Tensor.allocate(tensor.dtype(), tensor.elements());
              bytes.put(tensor.bytes()).flip();
              copies.put(name, Tensor.of(tensor.dtype(), bytes, tensor.shape()));
            });
    return Weights.of(copies);
  }

  private static Mean mean(JsonFields fields) {
    return new Mean(fields.number("sum"), fields.integer("count"));
  }

  private static TrainingHistory history(JsonFields fields) {
    return new TrainingHistory(
        fields.list(
            "curve", MAX_ITEMS, (at, item) -> point(new JsonFields("checkpoint.json", at, item))),
        fields.list(
            "evaluations",
            MAX_ITEMS,
            (at, item) -> evaluation(new JsonFields("checkpoint.json", at, item))));
  }

  private static TrainingHistory.Point point(JsonFields fields) {
    return new TrainingHistory.Point(
        fields.integer("step"),
        fields.number("loss"),
        fields.number("learningRate"),
        fields.number("gradientNorm"));
  }

  private static TrainingHistory.Evaluation evaluation(JsonFields fields) {
    JsonFields metrics = fields.object("metrics");
    Map<String, Double> values = new TreeMap<>();
    List<String> names = metrics.names();
    names.forEach(name -> values.put(name, metrics.number(name)));
    return new TrainingHistory.Evaluation(
        fields.integer("step"), fields.smallInteger("epoch"), values);
  }
}
