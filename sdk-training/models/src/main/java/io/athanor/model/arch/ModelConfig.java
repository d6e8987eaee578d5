package io.athanor.model.arch;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.ElementOp.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Typed reading of the entries of a Hugging Face {@code config.json}. A null entry counts as
 * absent, but for {@link #nullOr}.
 */
final class ModelConfig {
  /** Larger than any model's, and small enough that products of a few fit a long. */
  private static final int MAX_SIZE = 1 << 24;

  private static final int MAX_COUNT = 1000;

  private static final String NULLS = "null_entries";
  private static final Map<String, Activation.Kind> ACTIVATIONS =
      Map.of(
          "silu", Activation.Kind.SILU,
          "swish", Activation.Kind.SILU,
          "relu", Activation.Kind.RELU,
          "tanh", Activation.Kind.TANH,
          "gelu", Activation.Kind.GELU,
          "gelu_new", Activation.Kind.GELU_TANH,
          "gelu_fast", Activation.Kind.GELU_TANH,
          "gelu_pytorch_tanh", Activation.Kind.GELU_TANH);

  private final String source;
  private final Map<String, @Nullable Object> entries;

  ModelConfig(String source, Map<String, ? extends @Nullable Object> entries) {
    this.source = source;
    this.entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
  }

  /** What {@link #withoutNulls} gave. */
  static ModelConfig withNulls(String source, Map<String, Object> stored) {
    Map<String, @Nullable Object> entries = new LinkedHashMap<>(stored);
    if (entries.remove(NULLS) instanceof List<?> names) {
      names.forEach(name -> entries.put(String.valueOf(name), null));
    }
    return new ModelConfig(source, entries);
  }

  /** The entries for a place that cannot hold nulls, which for some entries mean something. */
  Map<String, Object> withoutNulls() {
    Map<String, Object> kept = new LinkedHashMap<>();
    List<String> nulls = new ArrayList<>();
    entries.forEach(
        (name, value) -> {
          if (value == null) {
            nulls.add(name);
          } else {
            kept.put(name, value);
          }
        });
    if (!nulls.isEmpty()) {
      kept.put(NULLS, List.copyOf(nulls));
    }
    return kept;
  }

  String source() {
    return source;
  }

  Map<String, @Nullable Object> entries() {
    return entries;
  }

  ModelConfig with(String name, Object value) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(entries);
    changed.put(name, value);
    return new ModelConfig(source, changed);
  }

  boolean has(String name) {
    return entries.get(name) != null;
  }

  String text(String name, String absent) {
    Object value = entries.get(name);
    if (value == null || value instanceof String) {
      return value == null ? absent : (String) value;
    }
    throw expected(name, "a text");
  }

  boolean flag(String name, boolean absent) {
    Object value = entries.get(name);
    if (value == null || value instanceof Boolean) {
      return value == null ? absent : (Boolean) value;
    }
    throw expected(name, "true or false");
  }

  double number(String name, double absent) {
    Object value = entries.get(name);
    if (value == null || value instanceof Number) {
      return value == null ? absent : ((Number) value).doubleValue();
    }
    throw expected(name, "a number");
  }

  double number(String name) {
    require(name);
    return number(name, Double.NaN);
  }

  /** A number above 0. */
  double positive(String name, double absent) {
    double value = number(name, absent);
    if (!(value > 0)) {
      throw expected(name, "above 0");
    }
    return value;
  }

  /** A probability of dropping. */
  double rate(String name, double absent) {
    double value = number(name, absent);
    if (!(value >= 0 && value < 1)) {
      throw expected(name, "in [0, 1)");
    }
    return value;
  }

  int whole(String name, int absent, int atLeast) {
    double value = number(name, absent);
    if (value != Math.rint(value) || value < atLeast || value > MAX_SIZE) {
      throw expected(name, "a whole number in [" + atLeast + ", " + MAX_SIZE + "]");
    }
    return (int) value;
  }

  /** A size, at least 1. */
  int size(String name, int absent) {
    return whole(name, absent, 1);
  }

  int size(String name) {
    require(name);
    return size(name, 1);
  }

  /** A number of layers or heads, each of which costs memory before any tensor is seen. */
  int count(String name) {
    int count = size(name);
    if (count > MAX_COUNT) {
      throw expected(name, "at most " + MAX_COUNT);
    }
    return count;
  }

  /** 0 if the entry is null, which for some entries turns a thing off that else has a default. */
  double nullOr(String name, double absent) {
    return entries.containsKey(name) && entries.get(name) == null ? 0 : number(name, absent);
  }

  Activation.Kind activation(String name, String absent) {
    String text = text(name, absent);
    Activation.Kind kind = ACTIVATIONS.get(text);
    if (kind == null) {
      throw unsupported(name, "Known are " + ACTIVATIONS.keySet().stream().sorted().toList());
    }
    return kind;
  }

  List<String> texts(String name) {
    Object value = entries.get(name);
    if (value == null) {
      return List.of();
    }
    if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    throw expected(name, "a list of texts");
  }

  Optional<ModelConfig> object(String name) {
    Object value = entries.get(name);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> inner = new LinkedHashMap<>();
      map.forEach((key, item) -> inner.put(String.valueOf(key), item));
      return Optional.of(new ModelConfig(source + ": " + name, inner));
    }
    throw expected(name, "an object");
  }

  /** Refuses an entry that changes the mathematics, unless it has one of these values. */
  void refuse(String name, Object... harmless) {
    Object value = entries.get(name);
    if (value != null
        && Arrays.stream(harmless).noneMatch(h -> h.toString().equals(value.toString()))) {
      throw unsupported(name, "Choose a model without it");
    }
  }

  UnsupportedException unsupported(String name, String remedy) {
    return new UnsupportedException(
        "'" + name + "' is " + shown(entries.get(name)) + " in " + source, remedy);
  }

  /** Turns the refusal of values by a record into an error that names the source. */
  <T> T checked(Supplier<T> read) {
    try {
      return read.get();
    } catch (IllegalArgumentException e) {
      throw new FormatException(source, String.valueOf(e.getMessage()));
    }
  }

  FormatException expected(String name, String what) {
    return new FormatException(
        source, "'" + name + "' must be " + what + ", got " + shown(entries.get(name)));
  }

  private void require(String name) {
    if (!has(name)) {
      throw new FormatException(source, "missing entry '" + name + "'");
    }
  }

  private static String shown(@Nullable Object value) {
    String text = value instanceof String ? "'" + value + "'" : String.valueOf(value);
    return text.length() > 80 ? text.substring(0, 80) + ".." : text;
  }
}
