package io.athanor.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestFields;
import java.util.List;
import java.util.function.Predicate;

/**
 * Fields of OpenAI's API that change an answer in ways we cannot. They are refused by name, unless
 * they say what happens anyway.
 */
final class Refusals {
  /** Said for the records of whoever runs the server; they change no answer. */
  private static final List<String> WITHOUT_EFFECT =
      List.of("user", "metadata", "safety_identifier", "prompt_cache_key");

  private static final List<String> NEVER =
      List.of(
          "audio",
          "functions",
          "function_call",
          "prediction",
          "reasoning_effort",
          "suffix",
          "verbosity",
          "web_search_options");

  private Refusals() {}

  static void check(RequestFields fields) {
    WITHOUT_EFFECT.forEach(fields::node);
    for (String name : NEVER) {
      onlyIf(fields, name, value -> value.isTextual() && value.textValue().isEmpty());
    }
    onlyIf(fields, "n", value -> value.isIntegralNumber() && value.intValue() == 1);
    onlyIf(fields, "best_of", value -> value.isIntegralNumber() && value.intValue() == 1);
    onlyIf(fields, "presence_penalty", value -> value.isNumber() && value.doubleValue() == 0);
    onlyIf(fields, "frequency_penalty", value -> value.isNumber() && value.doubleValue() == 0);
    onlyIf(fields, "logit_bias", value -> value.isObject() && value.isEmpty());
    onlyIf(fields, "tools", value -> value.isArray() && value.isEmpty());
    onlyIf(fields, "tool_choice", value -> value.asText().equals("none"));
    onlyIf(fields, "parallel_tool_calls", JsonNode::isBoolean);
    onlyIf(fields, "echo", value -> value.isBoolean() && !value.booleanValue());
    onlyIf(fields, "store", value -> value.isBoolean() && !value.booleanValue());
    onlyIf(
        fields,
        "service_tier",
        value -> value.asText().equals("auto") || value.asText().equals("default"));
    onlyIf(
        fields,
        "modalities",
        value -> value.isArray() && value.size() == 1 && value.get(0).asText().equals("text"));
    onlyIf(
        fields,
        "response_format",
        value -> value.isObject() && value.path("type").asText().equals("text"));
  }

  private static void onlyIf(RequestFields fields, String name, Predicate<JsonNode> harmless) {
    fields
        .node(name)
        .filter(harmless.negate())
        .ifPresent(
            value -> {
              throw unsupported(name, "'" + name + "' is not supported with this value");
            });
  }

  static HttpProblem unsupported(String name, String why) {
    return new HttpProblem(400, why + "; leave it out")
        .with("param", name)
        .with("code", "unsupported_parameter");
  }
}
