package io.athanor.api.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Distribution;
import io.athanor.api.data.Trait;
import io.athanor.api.error.FormatException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A {@link Baseline} as JSON. */
final class BaselineJson {
  private static final int FORMAT = 1;
  private static final int MOST_TRAITS = 1_000_000;
  private static final int MOST_VALUES = 100_000;

  private BaselineJson() {}

  static ObjectNode write(Baseline baseline) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("format", FORMAT);
    ArrayNode traits = json.putArray("traits");
    baseline
        .distributions()
        .forEach((trait, distribution) -> write(traits.addObject(), trait, distribution));
    return json;
  }

  private static void write(ObjectNode json, Trait trait, Distribution distribution) {
    json.put("column", trait.column()).put("aspect", JsonFields.lower(trait.aspect()));
    if (distribution instanceof Distribution.Numbers numbers) {
      json.put("kind", "numbers").put("count", numbers.count());
      numbers.cuts().forEach(json.putArray("cuts")::add);
      numbers.upTo().forEach(json.putArray("upTo")::add);
    } else if (distribution instanceof Distribution.Categories categories) {
      json.put("kind", "categories").put("other", categories.other());
      categories.counts().keySet().forEach(json.putArray("words")::add);
      categories.counts().values().forEach(json.putArray("counts")::add);
    } else if (distribution instanceof Distribution.Vectors vectors) {
      json.put("kind", "vectors").put("count", vectors.count());
      json.put("dimensions", vectors.dimensions()).put("bandwidth", vectors.bandwidth());
      json.put("seed", vectors.seed());
      vectors.mean().forEach(json.putArray("mean")::add);
    }
  }

  /**
   * @throws FormatException if the JSON is not of this format; names the place
   */
  static Baseline read(String source, String text) {
    JsonFields fields = JsonFields.parse(source, text);
    long format = fields.integer("format");
    if (format != FORMAT) {
      throw fields.fail(
          "expected format " + FORMAT + ", got " + format + "; read it with a newer version");
    }
    Map<Trait, Distribution> distributions = new LinkedHashMap<>();
    fields.objects(
        "traits",
        MOST_TRAITS,
        trait -> distributions.put(trait.checked(() -> trait(trait)), distribution(trait)));
    fields.requireNoMore();
    return fields.checked(() -> new Baseline(distributions));
  }

  private static Trait trait(JsonFields fields) {
    return new Trait(fields.text("column"), fields.choice("aspect", Trait.Aspect.class));
  }

  private static Distribution distribution(JsonFields fields) {
    String kind = fields.text("kind");
    Distribution read =
        fields.checked(
            () ->
                switch (kind) {
                  case "numbers" ->
                      new Distribution.Numbers(
                          fields.integer("count"),
                          numbers(fields, "cuts"),
                          numbers(fields, "upTo"));
                  case "categories" ->
                      new Distribution.Categories(counts(fields), fields.integer("other"));
                  case "vectors" ->
                      new Distribution.Vectors(
                          fields.integer("count"),
                          fields.smallInteger("dimensions"),
                          fields.number("bandwidth"),
                          fields.integer("seed"),
                          numbers(fields, "mean"));
                  default ->
                      throw fields.fail(
                          "unknown kind '" + kind + "'; a newer version may have written it");
                });
    fields.requireNoMore();
    return read;
  }

  private static Map<String, Long> counts(JsonFields fields) {
    List<String> words = fields.texts("words", MOST_VALUES);
    List<Long> counts = fields.integers("counts", MOST_VALUES);
    Map<String, Long> all = new LinkedHashMap<>();
    if (words.size() != counts.size()) {
      throw fields.fail("expected as many counts as words, got " + counts.size());
    }
    for (int i = 0; i < words.size(); i++) {
      all.put(words.get(i), counts.get(i));
    }
    return all;
  }

  private static List<Double> numbers(JsonFields fields, String name) {
    return fields.list(
        name,
        MOST_VALUES,
        (at, item) -> {
          if (!item.isNumber()) {
            throw fields.fail(at + " must be a number, got " + JsonFields.describe(item));
          }
          return item.doubleValue();
        });
  }
}
