package io.athanor.training.plan;

import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** A YAML mapping, read strictly: every problem is told with line and setting. */
final class Settings {
  private static final YAMLFactory YAML = new YAMLFactory();

  /** Either a text, a mapping or a list of texts. */
  private record Entry(
      long line, @Nullable String text, @Nullable Settings mapping, @Nullable List<String> texts) {}

  private final String source;
  private final String place;
  private final long line;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Set<String> asked = new TreeSet<>();

  private Settings(String source, String place, long line) {
    this.source = source;
    this.place = place;
    this.line = line;
  }

  static Settings parse(String source, String yaml) {
    try (YAMLParser parser = YAML.createParser(yaml)) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        return new Settings(source, "", 1);
      }
      if (first != JsonToken.START_OBJECT) {
        throw new FormatException(
            source, parser.currentTokenLocation().getLineNr(), null, "expected a mapping");
      }
      Settings settings = mapping(parser, source, "");
      if (parser.nextToken() != null) {
        throw new FormatException(
            source,
            parser.currentTokenLocation().getLineNr(),
            null,
            "expected one document, got a second one");
      }
      return settings;
    } catch (IOException e) {
      throw new FormatException(source, "not YAML: " + e.getMessage(), e);
    }
  }

  private static Settings mapping(YAMLParser parser, String source, String place)
      throws IOException {
    Settings settings = new Settings(source, place, parser.currentTokenLocation().getLineNr());
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      long at = parser.currentTokenLocation().getLineNr();
      JsonToken value = parser.nextToken();
      String inside = place.isEmpty() ? name : place + "." + name;
      Entry entry;
      if (value == JsonToken.START_OBJECT && place.isEmpty()) {
        entry = new Entry(at, null, mapping(parser, source, inside), null);
      } else if (value.isScalarValue() && value != JsonToken.VALUE_NULL) {
        entry = new Entry(at, parser.getText(), null, null);
      } else if (value == JsonToken.START_ARRAY && !place.isEmpty()) {
        entry = new Entry(at, null, null, texts(parser, source, inside));
      } else {
        throw fail(
            source, at, inside, "expected a value or a " + (place.isEmpty() ? "mapping" : "list"));
      }
      if (settings.entries.put(name, entry) != null) {
        throw fail(source, at, inside, "this setting is given twice");
      }
    }
    return settings;
  }

  private static List<String> texts(YAMLParser parser, String source, String inside)
      throws IOException {
    List<String> texts = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      JsonToken token = parser.currentToken();
      if (token == null || !token.isScalarValue() || token == JsonToken.VALUE_NULL) {
        throw fail(
            source, parser.currentTokenLocation().getLineNr(), inside, "expected a list of texts");
      }
      texts.add(parser.getText());
    }
    return texts;
  }

  void ifInteger(String name, IntConsumer use) {
    ifPresent(name, "a whole number", Integer::parseInt, use::accept);
  }

  void ifLong(String name, LongConsumer use) {
    ifPresent(name, "a whole number", Long::parseLong, use::accept);
  }

  void ifNumber(String name, DoubleConsumer use) {
    ifPresent(name, "a number", Double::parseDouble, use::accept);
  }

  void ifText(String name, Consumer<String> use) {
    ifPresent(name, "a text", Function.identity(), use);
  }

  void ifObject(String name, Consumer<Settings> use) {
    asked.add(name);
    Entry entry = entries.get(name);
    if (entry == null) {
      return;
    }
    Settings mapping = entry.mapping;
    if (mapping == null) {
      throw fail(name, "expected a mapping, got " + described(entry));
    }
    checked(name, () -> use.accept(mapping));
  }

  double number(String name, double fallback) {
    double[] value = {fallback};
    ifNumber(name, number -> value[0] = number);
    return value[0];
  }

  int integer(String name) {
    require(name);
    int[] value = {0};
    ifInteger(name, number -> value[0] = number);
    return value[0];
  }

  String text(String name) {
    require(name);
    String[] value = {""};
    ifText(name, text -> value[0] = text);
    return value[0];
  }

  Optional<String> optionalText(String name) {
    asked.add(name);
    return entries.containsKey(name) ? Optional.of(text(name)) : Optional.empty();
  }

  boolean flag(String name, boolean fallback) {
    String text = optionalText(name).orElse(Boolean.toString(fallback));
    if (!text.equals("true") && !text.equals("false")) {
      throw fail(name, "expected true or false, got '" + text + "'");
    }
    return text.equals("true");
  }

  List<String> texts(String name, List<String> fallback) {
    asked.add(name);
    Entry entry = entries.get(name);
    if (entry == null) {
      return fallback;
    }
    List<String> texts = entry.texts;
    if (texts == null) {
      throw fail(name, "expected a list of texts, got " + described(entry));
    }
    return texts;
  }

  <E extends Enum<E>> E choice(String name, String text, E[] constants) {
    return Arrays.stream(constants)
        .filter(constant -> JsonFields.lower(constant).equals(text.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () -> unknown(name, text, Arrays.stream(constants).map(JsonFields::lower).toList()));
  }

  FormatException unknown(String name, String value, List<String> valid) {
    return fail(name, "expected one of " + valid + ", got '" + value + "'" + closest(value, valid));
  }

  /** Checks that every setting has been asked for. */
  void requireNoMore() {
    for (Map.Entry<String, Entry> item : entries.entrySet()) {
      if (!asked.contains(item.getKey())) {
        List<String> valid = new ArrayList<>(asked);
        throw fail(
            source,
            item.getValue().line,
            inside(item.getKey()),
            "unknown setting"
                + closest(item.getKey(), valid)
                + " Valid are "
                + String.join(", ", valid));
      }
    }
  }

  private void require(String name) {
    if (!entries.containsKey(name)) {
      throw fail(source, line, inside(name), "this setting is missing");
    }
  }

  private <T> void ifPresent(String name, String what, Function<String, T> parse, Consumer<T> use) {
    asked.add(name);
    Entry entry = entries.get(name);
    if (entry == null) {
      return;
    }
    String text = entry.text;
    if (text == null) {
      throw fail(name, "expected " + what + ", got " + described(entry));
    }
    T value;
    try {
      value = parse.apply(text);
    } catch (NumberFormatException e) {
      throw fail(name, "expected " + what + ", got '" + text + "'");
    }
    checked(name, () -> use.accept(value));
  }

  /** Turns the refusal of a value by a setter into an error that names the place. */
  private void checked(String name, Runnable use) {
    try {
      use.run();
    } catch (IllegalArgumentException e) {
      throw fail(name, String.valueOf(e.getMessage()));
    }
  }

  private static String described(Entry entry) {
    return entry.text != null
        ? "'" + entry.text + "'"
        : entry.mapping != null ? "a mapping" : "a list";
  }

  private FormatException fail(String name, String problem) {
    Entry entry = entries.get(name);
    return fail(source, entry == null ? line : entry.line, inside(name), problem);
  }

  private static FormatException fail(String source, long line, String setting, String problem) {
    return new FormatException(source, line, null, "setting '" + setting + "': " + problem);
  }

  private String inside(String name) {
    return place.isEmpty() ? name : place + "." + name;
  }

  private static String closest(String name, List<String> valid) {
    return Spelling.closest(name, valid)
        .map(other -> ". Did you mean '" + other + "'?")
        .orElse(".");
  }
}
