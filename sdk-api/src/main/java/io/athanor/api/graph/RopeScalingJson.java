package io.athanor.api.graph;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;

/** A {@link RopeScaling} as JSON. */
final class RopeScalingJson {
  private RopeScalingJson() {}

  static ObjectNode write(RopeScaling scaling) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (scaling instanceof RopeScaling.Linear linear) {
      return json.put("kind", "linear").put("factor", linear.factor());
    }
    if (scaling instanceof RopeScaling.Llama3 llama) {
      return json.put("kind", "llama3")
          .put("factor", llama.factor())
          .put("lowFrequency", llama.lowFrequency())
          .put("highFrequency", llama.highFrequency())
          .put("originalLength", llama.originalLength());
    }
    if (scaling instanceof RopeScaling.Yarn yarn) {
      return json.put("kind", "yarn")
          .put("factor", yarn.factor())
          .put("slowTurns", yarn.slowTurns())
          .put("fastTurns", yarn.fastTurns())
          .put("originalLength", yarn.originalLength())
          .put("magnitude", yarn.magnitude());
    }
    return json.put("kind", "none");
  }

  static RopeScaling read(JsonFields f) {
    RopeScaling scaling = f.checked(() -> scaling(f));
    f.requireNoMore();
    return scaling;
  }

  private static RopeScaling scaling(JsonFields f) {
    String kind = f.text("kind");
    return switch (kind) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(f.number("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              f.number("factor"),
              f.number("lowFrequency"),
              f.number("highFrequency"),
              f.integer("originalLength"));
      case "yarn" ->
          new RopeScaling.Yarn(
              f.number("factor"),
              f.number("slowTurns"),
              f.number("fastTurns"),
              f.integer("originalLength"),
              f.number("magnitude"));
      default ->
          throw f.fail("unknown rope scaling '" + kind + "'; a newer version may have written it");
    };
  }
}
