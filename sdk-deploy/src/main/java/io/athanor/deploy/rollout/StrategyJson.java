package io.athanor.deploy.rollout;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.deploy.rollout.Strategy.Step;
import java.time.DateTimeException;
import java.time.Duration;

/** A strategy as a store keeps it. */
final class StrategyJson {
  private static final int MOST = 100;

  private StrategyJson() {}

  static String write(Strategy strategy) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode steps = json.putArray("steps");
    for (Step step : strategy.steps()) {
      steps
          .addObject()
          .put("share", step.share())
          .put("compared", step.compared())
          .put("duration", step.duration().toString())
          .put("requests", step.requests());
    }
    return json.toString();
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if it is anything else
   */
  static Strategy read(String source, String text) {
    JsonFields json = JsonFields.parse(source, text);
    Strategy strategy = new Strategy(json.objects("steps", MOST, StrategyJson::step));
    json.requireNoMore();
    return strategy;
  }

  private static Step step(JsonFields json) {
    double share = json.number("share");
    double compared = json.number("compared");
    Duration duration = duration(json, json.text("duration"));
    long requests = json.integer("requests");
    json.requireNoMore();
    return json.checked(() -> new Step(share, compared, duration, requests));
  }

  private static Duration duration(JsonFields json, String text) {
    try {
      return Duration.parse(text);
    } catch (DateTimeException e) {
      throw json.fail("'duration' must be an ISO 8601 duration, got '" + text + "'");
    }
  }
}
