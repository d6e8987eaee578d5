package io.athanor.api.graph;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.error.FormatException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Strict reading of one JSON object: every field is asked for once, and none may be left over. */
final class JsonFields {
  private final String source;
  private final String place;
  private final JsonNode object;
  private final Set<String> asked = new HashSet<>();

  /**
   * Opens an object.
   *
   * @param source where the text came from, for errors
   * @param place where in the text, for errors
   * @throws FormatException if the node is not an object
   */
  JsonFields(String source, String place, JsonNode object) {
    this.source = source;
    this.place = place;
    this.object = object;
    if (!object.isObject()) {
      throw fail("expected an object, got " + describe(object));
    }
  }

  boolean has(String name) {
    return object.has(name);
  }

  String text(String name) {
    JsonNode value = require(name);
    if (!value.isTextual()) {
      throw expected(name, "a text", value);
    }
    return value.textValue();
  }

  @Nullable String textOrNull(String name) {
    return require(name).isNull() ? null : text(name);
  }

  long integer(String name) {
    JsonNode value = require(name);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw expected(name, "a 64-bit integer", value);
    }
    return value.longValue();
  }

  int smallInteger(String name) {
    JsonNode value = require(name);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw expected(name, "a 32-bit integer", value);
    }
    return value.intValue();
  }

  double number(String name) {
    JsonNode value = require(name);
    if (!value.isNumber()) {
      throw expected(name, "a number", value);
    }
    return value.doubleValue();
  }

  boolean flag(String name) {
    JsonNode value = require(name);
    if (!value.isBoolean()) {
      throw expected(name, "true or false", value);
    }
    return value.booleanValue();
  }

  /** A constant of an enum, written in lower case. */
  <E extends Enum<E>> E choice(String name, Class<E> type) {
    String text = text(name);
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> lower(constant).equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                fail(
                    "'"
                        + name
                        + "' must be one of "
                        + Arrays.stream(type.getEnumConstants()).map(JsonFields::lower).toList()
                        + ", got '"
                        + text
                        + "'; a newer version may have written it"));
  }

  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** The elements of a list, each read by a function of its place and node. */
  <T> List<T> list(String name, int limit, BiFunction<String, JsonNode, T> element) {
    JsonNode value = require(name);
    if (!value.isArray()) {
      throw expected(name, "a list", value);
    }
    if (value.size() > limit) {
      throw fail("'" + name + "' may hold at most " + limit + " elements, got " + value.size());
    }
    List<T> list = new ArrayList<>();
    for (JsonNode item : value) {
      list.add(element.apply(inside(name) + "[" + list.size() + "]", item));
    }
    return list;
  }

  List<String> texts(String name, int limit) {
    return list(
        name,
        limit,
        (at, item) -> {
          if (!item.isTextual()) {
            throw new FormatException(source, at + ": expected a text, got " + describe(item));
          }
          return item.textValue();
        });
  }

  List<Long> integers(String name, int limit) {
    return list(
        name,
        limit,
        (at, item) -> {
          if (!item.isIntegralNumber() || !item.canConvertToLong()) {
            throw new FormatException(
                source, at + ": expected a 64-bit integer, got " + describe(item));
          }
          return item.longValue();
        });
  }

  List<Integer> smallIntegers(String name, int limit) {
    return list(
        name,
        limit,
        (at, item) -> {
          if (!item.isIntegralNumber() || !item.canConvertToInt()) {
            throw new FormatException(
                source, at + ": expected a 32-bit integer, got " + describe(item));
          }
          return item.intValue();
        });
  }

  JsonFields object(String name) {
    return new JsonFields(source, inside(name), require(name));
  }

  /** The names of all fields, in the order of the text. */
  List<String> names() {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** Checks that every field has been asked for. */
  void requireNoMore() {
    for (String name : names()) {
      if (!asked.contains(name)) {
        throw fail("unknown field '" + name + "'; a newer version may have written it");
      }
    }
  }

  FormatException fail(String problem) {
    return new FormatException(source, (place.isEmpty() ? "" : place + ": ") + problem);
  }

  private JsonNode require(String name) {
    asked.add(name);
    JsonNode value = object.get(name);
    if (value == null) {
      throw fail("missing field '" + name + "'");
    }
    return value;
  }

  private FormatException expected(String name, String what, JsonNode value) {
    return fail("'" + name + "' must be " + what + ", got " + describe(value));
  }

  private String inside(String name) {
    return place.isEmpty() ? name : place + "." + name;
  }

  static String describe(JsonNode value) {
    String text = value.isContainerNode() ? "" : " " + value;
    return value.getNodeType().name().toLowerCase(Locale.ROOT)
        + (text.length() > 60 ? text.substring(0, 60) + ".." : text);
  }
}
