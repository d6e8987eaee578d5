package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A GGUF file's metadata, asked for by key and type. Immutable and thread-safe. */
final class Metadata {
  private final String source;
  private final Map<String, Object> values;

  Metadata(String source, Map<String, Object> values) {
    this.source = source;
    this.values = values;
  }

  Optional<Object> optional(String key) {
    return Optional.ofNullable(values.get(key));
  }

  boolean has(String key) {
    return values.containsKey(key);
  }

  String text(String key) {
    return typed(key, String.class, "a text");
  }

  Optional<String> optionalText(String key) {
    return has(key) ? Optional.of(text(key)) : Optional.empty();
  }

  int integer(String key) {
    long value = typed(key, Long.class, "an integer");
    if (value < Integer.MIN_VALUE || value > Integer.MAX_VALUE) {
      throw fail(key, "a 32-bit integer", value);
    }
    return (int) value;
  }

  int integer(String key, int otherwise) {
    return has(key) ? integer(key) : otherwise;
  }

  /** An integer of at least 1. */
  int size(String key) {
    int value = integer(key);
    if (value < 1) {
      throw fail(key, "at least 1", value);
    }
    return value;
  }

  int size(String key, int otherwise) {
    return has(key) ? size(key) : otherwise;
  }

  /** A finite number; single precision reads as the shortest decimal that stands for it. */
  double number(String key) {
    Number value = typed(key, Number.class, "a number");
    double number =
        value instanceof Float ? Double.parseDouble(value.toString()) : value.doubleValue();
    if (!Double.isFinite(number)) {
      throw fail(key, "a finite number", value);
    }
    return number;
  }

  double number(String key, double otherwise) {
    return has(key) ? number(key) : otherwise;
  }

  boolean flag(String key, boolean otherwise) {
    return has(key) ? typed(key, Boolean.class, "true or false") : otherwise;
  }

  List<String> texts(String key) {
    return list(key, String.class, "texts");
  }

  List<Long> integers(String key) {
    return list(key, Long.class, "integers");
  }

  List<Float> floats(String key) {
    return list(key, Float.class, "numbers of single precision");
  }

  private <T> List<T> list(String key, Class<T> type, String what) {
    List<?> values = typed(key, List.class, "an array of " + what);
    return values.stream()
        .map(
            item -> {
              if (!type.isInstance(item)) {
                throw fail(key, "an array of " + what, item);
              }
              return type.cast(item);
            })
        .toList();
  }

  private <T> T typed(String key, Class<T> type, String what) {
    Object value = values.get(key);
    if (value == null) {
      throw new FormatException(source, "the metadata lacks '" + key + "', expected " + what);
    }
    if (!type.isInstance(value)) {
      throw fail(key, what, value);
    }
    return type.cast(value);
  }

  FormatException fail(String key, String expected, Object got) {
    String text = got.toString();
    return new FormatException(
        source,
        "metadata '"
            + key
            + "' must be "
            + expected
            + ", got "
            + (text.length() > 60 ? text.substring(0, 60) + ".." : text));
  }

  String source() {
    return source;
  }
}
