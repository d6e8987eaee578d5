package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A Hugging Face configuration, asked for by entry and type. */
final class ConfigEntries {
  private final String source;
  private final Map<String, @Nullable Object> entries;

  ConfigEntries(String source, Map<String, @Nullable Object> entries) {
    this.source = source;
    this.entries = entries;
  }

  String source() {
    return source;
  }

  boolean has(String name) {
    return entries.get(name) != null;
  }

  /** An integer of at least 1. */
  int size(String name) {
    Object value = entries.get(name);
    if (!(value instanceof Number number)
        || number.longValue() != number.doubleValue()
        || number.longValue() < 1
        || number.longValue() > Integer.MAX_VALUE) {
      throw fail(name, "an integer of at least 1", value);
    }
    return number.intValue();
  }

  int size(String name, int otherwise) {
    return has(name) ? size(name) : otherwise;
  }

  double number(String name) {
    Object value = entries.get(name);
    if (!(value instanceof Number number) || !Double.isFinite(number.doubleValue())) {
      throw fail(name, "a finite number", value);
    }
    return number.doubleValue();
  }

  double number(String name, double otherwise) {
    return has(name) ? number(name) : otherwise;
  }

  boolean flag(String name, boolean otherwise) {
    Object value = entries.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Boolean flag)) {
      throw fail(name, "true or false", value);
    }
    return flag;
  }

  String text(String name) {
    Object value = entries.get(name);
    if (!(value instanceof String text)) {
      throw fail(name, "a text", value);
    }
    return text;
  }

  /** A nested configuration. */
  Optional<ConfigEntries> object(String name) {
    Object value = entries.get(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw fail(name, "an object", value);
    }
    Map<String, @Nullable Object> nested = new LinkedHashMap<>();
    map.forEach((key, item) -> nested.put(String.valueOf(key), item));
    return Optional.of(new ConfigEntries(source + ", " + name, nested));
  }

  private FormatException fail(String name, String expected, @Nullable Object got) {
    return new FormatException(
        source,
        "configuration entry '"
            + name
            + "' must be "
            + expected
            + ", got "
            + (got == null ? "nothing" : got));
  }
}
