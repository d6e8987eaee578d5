package io.athanor.api.common;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.athanor.api.error.FormatException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Strict reading of one JSON object: every field is asked for once, and none may be left over. */
public final class JsonFields {
  private static final ObjectReader READER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .reader();

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
  public JsonFields(String source, String place, JsonNode object) {
    this.source = source;
    this.place = place;
    this.object = object;
    if (!object.isObject()) {
      throw fail("expected an object, got " + describe(object));
    }
  }

  /**
   * Opens a text that holds one object.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if it is not JSON, or not an object
   */
  public static JsonFields parse(String source, String text) {
    return new JsonFields(source, "", tree(source, text));
  }

  /**
   * Any JSON value; names may not occur twice, and nothing may follow.
   *
   * @throws FormatException if the text is not JSON
   */
  public static JsonNode tree(String source, String text) {
    try {
      return READER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new FormatException(source, "not JSON: " + e.getOriginalMessage(), e);
    }
  }

  public boolean has(String name) {
    return object.has(name);
  }

  public String text(String name) {
    JsonNode value = require(name);
    if (!value.isTextual()) {
      throw expected(name, "a text", value);
    }
    return value.textValue();
  }

  public @Nullable String textOrNull(String name) {
    return require(name).isNull() ? null : text(name);
  }

  public long integer(String name) {
    JsonNode value = require(name);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw expected(name, "a 64-bit integer", value);
    }
    return value.longValue();
  }

  public int smallInteger(String name) {
    JsonNode value = require(name);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw expected(name, "a 32-bit integer", value);
    }
    return value.intValue();
  }

  public double number(String name) {
    JsonNode value = require(name);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw expected(name, "a finite number", value);
    }
    return value.doubleValue();
  }

  public boolean flag(String name) {
    JsonNode value = require(name);
    if (!value.isBoolean()) {
      throw expected(name, "true or false", value);
    }
    return value.booleanValue();
  }

  /** A digest, written as its hexadecimal digits. */
  public Digest digest(String name) {
    try {
      return new Digest(text(name));
    } catch (IllegalArgumentException e) {
      throw fail("'" + name + "': " + e.getMessage());
    }
  }

  /** A time, written as ISO 8601 has it. */
  public Instant instant(String name) {
    String text = text(name);
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw fail("'" + name + "' must be an ISO 8601 instant, got '" + text + "'");
    }
  }

  /** A constant of an enum, written in lower case. */
  public <E extends Enum<E>> E choice(String name, Class<E> type) {
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

  public static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** The elements of a list, each read by a function of its place and node. */
  public <T> List<T> list(String name, int limit, BiFunction<String, JsonNode, T> element) {
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

  /** The objects of a list, each read by a function. */
  public <T> List<T> objects(String name, int limit, Function<JsonFields, T> element) {
    return list(name, limit, (at, item) -> element.apply(new JsonFields(source, at, item)));
  }

  public List<String> texts(String name, int limit) {
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

  public List<Long> integers(String name, int limit) {
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

  public List<Integer> smallIntegers(String name, int limit) {
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

  /** The field as it is, to be read by somebody else. */
  public JsonNode node(String name) {
    return require(name);
  }

  public JsonFields object(String name) {
    return new JsonFields(source, inside(name), require(name));
  }

  /** The names of all fields, in the order of the text. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** Checks that every field has been asked for. */
  public void requireNoMore() {
    for (String name : names()) {
      if (!asked.contains(name)) {
        throw fail("unknown field '" + name + "'; a newer version may have written it");
      }
    }
  }

  /** Turns the refusal of a value by a record into an error that names the place. */
  public <T> T checked(Supplier<T> read) {
    try {
      return read.get();
    } catch (IllegalArgumentException e) {
      throw fail(String.valueOf(e.getMessage()));
    }
  }

  public FormatException fail(String problem) {
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

  public static String describe(JsonNode value) {
    String text = value.isContainerNode() ? "" : " " + value;
    return value.getNodeType().name().toLowerCase(Locale.ROOT)
        + (text.length() > 60 ? text.substring(0, 60) + ".." : text);
  }
}
