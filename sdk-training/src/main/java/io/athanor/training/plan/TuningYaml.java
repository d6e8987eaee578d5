package io.athanor.training.plan;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import java.util.List;
import java.util.Map;

/** A {@link Tuning} as a mapping of a {@link PlanYaml}, and as JSON values. */
public final class TuningYaml {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "tuning";

  private TuningYaml() {}

  /** The settings as they stand in a plan. */
  public static ObjectNode tree(Tuning tuning) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (tuning instanceof FullTuning full) {
      json.put("kind", "full");
      put(json, "frozen", full.frozen());
    } else if (tuning instanceof Lora lora) {
      json.put("kind", "lora").put("rank", lora.rank()).put("alpha", lora.alpha());
      json.put("dropout", lora.dropout());
      put(json, "targets", lora.targets());
      json.put("stabilized", lora.stabilized());
      put(json, "alsoTrain", lora.alsoTrain());
      put(json, "adapters", lora.adapters());
    } else if (tuning instanceof PromptTuning prompt) {
      json.put("kind", "prompt").put("tokens", prompt.tokens());
      prompt.text().ifPresent(text -> json.put("text", text));
    }
    return json;
  }

  private static void put(ObjectNode json, String name, List<String> texts) {
    texts.forEach(json.putArray(name)::add);
  }

  static Tuning read(Settings s) {
    String kind = s.text("kind");
    Tuning read =
        switch (kind) {
          case "full" -> new FullTuning(s.texts("frozen", List.of()));
          case "lora" -> lora(s);
          case "prompt" -> new PromptTuning(s.integer("tokens"), s.optionalText("text"));
          default -> throw s.unknown("kind", kind, List.of("full", "lora", "prompt"));
        };
    s.requireNoMore();
    return read;
  }

  private static Lora lora(Settings s) {
    Lora defaults = Lora.rank(s.integer("rank"));
    List<String> adapters = s.texts("adapters", List.of());
    return new Lora(
        defaults.rank(),
        s.number("alpha", defaults.alpha()),
        s.number("dropout", 0),
        s.texts("targets", List.of()),
        s.flag("stabilized", false),
        s.texts("alsoTrain", adapters.isEmpty() ? Lora.HEADS : List.of()),
        adapters);
  }

  /** The settings as JSON values. */
  public static Map<String, Object> settings(Tuning tuning) {
    return JSON.convertValue(tree(tuning), new TypeReference<>() {});
  }

  /**
   * Reads settings that {@link #settings} gave.
   *
   * @param source where they came from, for errors
   * @throws FormatException if they are not those of a tuning; names the setting
   */
  public static Tuning read(String source, Map<?, ?> settings) {
    ObjectNode json = JSON.createObjectNode();
    json.set(NAME, JSON.valueToTree(settings));
    Tuning[] read = {FullTuning.everything()};
    Settings.parse(source, json.toString()).ifObject(NAME, s -> read[0] = read(s));
    return read[0];
  }
}
