package io.athanor.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object that a caller sent. Fields that are null count as absent. Each must
 * be of its type and be known, or a problem names it in {@code param}. Not thread-safe.
 */
public final class RequestFields {
  private final JsonNode object;
  private final int status;
  private final Set<String> unread = new LinkedHashSet<>();

  /**
   * @param status of problems: 400 or 422
   */
  public RequestFields(JsonNode object, int status) {
    this.object = object;
    this.status = status;
    if (!object.isObject()) {
      throw new HttpProblem(status, "Expected a JSON object, got " + JsonFields.describe(object));
    }
    object.fieldNames().forEachRemaining(unread::add);
  }

  /** A field of any type. */
  public Optional<JsonNode> node(String name) {
    unread.remove(name);
    return Optional.ofNullable(object.get(name)).filter(value -> !value.isNull());
  }

  /** A text; must be there. */
  public String text(String name) {
    return optionalText(name).orElseThrow(() -> wrong(name, "a string", null));
  }

  public Optional<String> optionalText(String name) {
    return node(name)
        .map(
            value -> {
              if (!value.isTextual()) {
                throw wrong(name, "a string", value);
              }
              return value.textValue();
            });
  }

  /** True or false; false if absent. */
  public boolean flag(String name) {
    return node(name)
        .map(
            value -> {
              if (!value.isBoolean()) {
                throw wrong(name, "true or false", value);
              }
              return value.booleanValue();
            })
        .orElse(false);
  }

  /** A number in [low, high]. */
  public OptionalDouble number(String name, double low, double high) {
    Optional<JsonNode> value = node(name);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    double number = value.get().doubleValue();
    if (!value.get().isNumber() || !(number >= low && number <= high)) {
      throw wrong(name, "a number from " + plain(low) + " to " + plain(high), value.get());
    }
    return OptionalDouble.of(number);
  }

  /** A whole number in [low, high]. */
  public OptionalLong integer(String name, long low, long high) {
    Optional<JsonNode> value = node(name);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    boolean whole = value.get().isIntegralNumber() && value.get().canConvertToLong();
    long number = value.get().longValue();
    if (!whole || number < low || number > high) {
      throw wrong(name, "a whole number from " + low + " to " + high, value.get());
    }
    return OptionalLong.of(number);
  }

  /** A text, or several; none if absent. */
  public List<String> texts(String name, int most) {
    Optional<JsonNode> value = node(name);
    if (value.isEmpty()) {
      return List.of();
    }
    if (value.get().isTextual()) {
      return List.of(value.get().textValue());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode one : value.get()) {
      if (!one.isTextual()) {
        throw wrong(name, "a string or a list of strings", one);
      }
      texts.add(one.textValue());
    }
    if (!value.get().isArray() || texts.size() > most) {
      throw wrong(name, "a string or a list of at most " + most + " strings", value.get());
    }
    return texts;
  }

  /** Refuses what was not read. */
  public void requireNoMore() {
    if (!unread.isEmpty()) {
      String name = unread.iterator().next();
      throw new HttpProblem(status, "Unknown field '" + name + "'; leave it out")
          .with("param", name)
          .with("code", "unknown_parameter");
    }
  }

  /** A problem with a field. */
  public HttpProblem wrong(String name, String expected, @Nullable JsonNode found) {
    return new HttpProblem(
            status,
            "'"
                + name
                + "' must be "
                + expected
                + ", got "
                + (found == null ? "nothing" : JsonFields.describe(found)))
        .with("param", name);
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
