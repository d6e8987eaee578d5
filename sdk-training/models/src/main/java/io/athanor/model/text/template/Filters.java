package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Jinja's filters; each takes the value before the bar as first argument. */
final class Filters {
  private static final Map<String, Function> ALL = all();

  private Filters() {}

  static @Nullable Function named(String name) {
    return ALL.get(name);
  }

  private static Map<String, Function> all() {
    Map<String, Function> all = new HashMap<>();
    strings(all);
    numbers(all);
    lists(all);
    all.put("default", Filters::orDefault);
    all.put("d", Filters::orDefault);
    all.put("tojson", Filters::json);
    all.put("items", (r, a) -> items(r, only(r, a, "items")));
    all.put("dictsort", (r, a) -> sorted(r, items(r, a.positional().get(0)), i -> at(r, i, 0L)));
    return Map.copyOf(all);
  }

  private static void strings(Map<String, Function> all) {
    all.put("trim", Filters::trim);
    all.put("upper", (r, a) -> text(r, a, "upper").toUpperCase(Locale.ROOT));
    all.put("lower", (r, a) -> text(r, a, "lower").toLowerCase(Locale.ROOT));
    all.put("title", (r, a) -> Methods.title(text(r, a, "title")));
    all.put("capitalize", (r, a) -> Methods.capitalized(text(r, a, "capitalize")));
    all.put("string", (r, a) -> text(r, a, "string"));
    all.put("safe", (r, a) -> text(r, a, "safe"));
    all.put("indent", Filters::indent);
    all.put("replace", Filters::replace);
    all.put("join", Filters::join);
  }

  private static void numbers(Map<String, Function> all) {
    all.put("length", (r, a) -> Values.length(r, only(r, a, "length")));
    all.put("count", (r, a) -> Values.length(r, only(r, a, "count")));
    all.put("int", (r, a) -> whole(r, a.bind(r, "int", 1, "value", "default")));
    all.put("float", (r, a) -> real(r, a.bind(r, "float", 1, "value", "default")));
    all.put("abs", (r, a) -> absolute(r, only(r, a, "abs")));
    all.put("sum", (r, a) -> sum(r, only(r, a, "sum")));
    all.put("min", (r, a) -> extreme(r, only(r, a, "min"), false));
    all.put("max", (r, a) -> extreme(r, only(r, a, "max"), true));
  }

  private static void lists(Map<String, Function> all) {
    all.put("first", (r, a) -> end(r, only(r, a, "first"), true));
    all.put("last", (r, a) -> end(r, only(r, a, "last"), false));
    all.put("list", (r, a) -> Values.items(r, only(r, a, "list")));
    all.put("reverse", (r, a) -> reversed(r, only(r, a, "reverse")));
    all.put("unique", (r, a) -> unique(r, only(r, a, "unique")));
    all.put("sort", Filters::sort);
    all.put("map", Filters::map);
    all.put("select", (r, a) -> kept(r, a, false, true));
    all.put("reject", (r, a) -> kept(r, a, false, false));
    all.put("selectattr", (r, a) -> kept(r, a, true, true));
    all.put("rejectattr", (r, a) -> kept(r, a, true, false));
  }

  private static Object only(Rendering rendering, Arguments arguments, String filter) {
    return arguments.bind(rendering, filter, 1, "value").get(0);
  }

  private static String text(Rendering rendering, Arguments arguments, String filter) {
    String text = new Printer(rendering).text(only(rendering, arguments, filter));
    rendering.spend(text.length());
    return text;
  }

  private static boolean given(Object value) {
    return !(value instanceof Undefined);
  }

  private static Object trim(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "trim", 1, "value", "chars");
    String text = new Printer(rendering).text(bound.get(0));
    rendering.spend(text.length());
    String set =
        given(bound.get(1)) && bound.get(1) != None.NONE
            ? Values.string(rendering, bound.get(1))
            : null;
    return Methods.strip(text, set, true, true);
  }

  private static Object indent(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "indent", 1, "value", "width", "first", "blank");
    String text = new Printer(rendering).text(bound.get(0));
    String by =
        bound.get(1) instanceof String given
            ? given
            : " ".repeat(width(rendering, given(bound.get(1)) ? bound.get(1) : 4L));
    String[] lines = text.split("\n", -1);
    rendering.spend(text.length() + (long) lines.length * by.length());
    for (int i = 0; i < lines.length; i++) {
      boolean wanted =
          i == 0 ? Values.isTrue(bound.get(2)) : !lines[i].isEmpty() || Values.isTrue(bound.get(3));
      lines[i] = wanted ? by + lines[i] : lines[i];
    }
    return String.join("\n", lines);
  }

  /** A number of spaces, within reason. */
  private static int width(Rendering rendering, Object value) {
    long width = Values.integer(rendering, value);
    if (width < 0 || width > 100) {
      throw rendering.error("expected an indentation of 0 to 100, got " + width);
    }
    return (int) width;
  }

  private static Object replace(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "replace", 3, "value", "old", "new", "count");
    return Methods.replace(
        rendering,
        new Printer(rendering).text(bound.get(0)),
        Values.string(rendering, bound.get(1)),
        Values.string(rendering, bound.get(2)),
        given(bound.get(3)) ? Values.integer(rendering, bound.get(3)) : -1);
  }

  private static Object join(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "join", 1, "value", "d", "attribute");
    List<Object> items = Values.items(rendering, bound.get(0));
    if (given(bound.get(2))) {
      items.replaceAll(item -> at(rendering, item, bound.get(2)));
    }
    String separator = given(bound.get(1)) ? Values.string(rendering, bound.get(1)) : "";
    return Methods.join(rendering, separator, items);
  }

  private static Object orDefault(Rendering rendering, Arguments arguments) {
    List<Object> bound =
        arguments.bind(rendering, "default", 1, "value", "default_value", "boolean");
    Object value = bound.get(0);
    boolean missing = !given(value) || (Values.isTrue(bound.get(2)) && !Values.isTrue(value));
    return missing ? (given(bound.get(1)) ? bound.get(1) : "") : value;
  }

  private static Object json(Rendering rendering, Arguments arguments) {
    List<Object> bound =
        arguments.bind(
            rendering, "tojson", 1, "value", "ensure_ascii", "indent", "separators", "sort_keys");
    if (Values.isTrue(bound.get(1)) || Values.isTrue(bound.get(3))) {
      throw rendering.error("tojson is known with indent and sort_keys only");
    }
    Object indent = bound.get(2);
    int width = given(indent) && indent != None.NONE ? width(rendering, indent) : -1;
    return new Printer(rendering).json(bound.get(0), width, Values.isTrue(bound.get(4)));
  }

  private static List<Object> items(Rendering rendering, Object value) {
    if (value instanceof Map<?, ?> map) {
      return Methods.entries(rendering, map);
    }
    if (value instanceof Undefined) {
      return List.of();
    }
    throw Values.unexpected(rendering, "a mapping", value);
  }

  private static Object whole(Rendering rendering, List<Object> bound) {
    Object otherwise = given(bound.get(1)) ? bound.get(1) : 0L;
    Object value = bound.get(0);
    try {
      return value instanceof String text
          ? Long.valueOf((long) Double.parseDouble(Spaces.strip(text)))
          : Long.valueOf((long) Arithmetic.real(rendering, value));
    } catch (NumberFormatException e) {
      return otherwise;
    }
  }

  private static Object real(Rendering rendering, List<Object> bound) {
    Object otherwise = given(bound.get(1)) ? bound.get(1) : 0.0;
    try {
      return bound.get(0) instanceof String text
          ? Double.valueOf(Spaces.strip(text))
          : Double.valueOf(Arithmetic.real(rendering, bound.get(0)));
    } catch (NumberFormatException e) {
      return otherwise;
    }
  }

  private static Object absolute(Rendering rendering, Object value) {
    if (value instanceof Double number) {
      return Math.abs(number);
    }
    return Math.absExact(Values.integer(rendering, value));
  }

  private static Object sum(Rendering rendering, Object value) {
    Object sum = 0L;
    for (Object item : Values.items(rendering, value)) {
      sum = Arithmetic.calculate(rendering, "+", sum, item);
    }
    return sum;
  }

  private static Object extreme(Rendering rendering, Object value, boolean greatest) {
    Comparator<Object> order = (a, b) -> Values.order(rendering, a, b);
    List<Object> items = Values.items(rendering, value);
    return items.stream()
        .max(greatest ? order : order.reversed())
        .orElse(new Undefined("there is no item"));
  }

  private static Object end(Rendering rendering, Object value, boolean first) {
    List<Object> items = Values.items(rendering, value);
    return items.isEmpty()
        ? new Undefined("there is no item")
        : items.get(first ? 0 : items.size() - 1);
  }

  private static Object reversed(Rendering rendering, Object value) {
    List<Object> items = Values.items(rendering, value);
    Collections.reverse(items);
    return value instanceof String
        ? items.stream().map(Object::toString).collect(Collectors.joining())
        : items;
  }

  private static Object unique(Rendering rendering, Object value) {
    List<Object> found = new ArrayList<>();
    for (Object item : Values.items(rendering, value)) {
      if (found.stream().noneMatch(other -> Values.equal(rendering, other, item))) {
        found.add(item);
      }
    }
    return found;
  }

  private static Object sort(Rendering rendering, Arguments arguments) {
    List<Object> bound =
        arguments.bind(rendering, "sort", 1, "value", "reverse", "case_sensitive", "attribute");
    boolean exact = Values.isTrue(bound.get(2));
    List<Object> sorted =
        sorted(
            rendering,
            Values.items(rendering, bound.get(0)),
            item -> {
              Object key = given(bound.get(3)) ? at(rendering, item, bound.get(3)) : item;
              return !exact && key instanceof String text ? text.toLowerCase(Locale.ROOT) : key;
            });
    if (Values.isTrue(bound.get(1))) {
      Collections.reverse(sorted);
    }
    return sorted;
  }

  private static List<Object> sorted(
      Rendering rendering, List<Object> items, java.util.function.Function<Object, Object> key) {
    rendering.spendOnList(items.size());
    List<Object> sorted = new ArrayList<>(items);
    sorted.sort((a, b) -> Values.order(rendering, key.apply(a), key.apply(b)));
    return sorted;
  }

  /** An attribute, where dots lead on to attributes of attributes. */
  private static Object at(Rendering rendering, Object item, Object attribute) {
    if (!(attribute instanceof String path)) {
      return Values.entry(rendering, item, attribute);
    }
    Object found = item;
    for (String part : path.split("\\.")) {
      found = Values.entry(rendering, found, part);
    }
    return found;
  }

  private static Object map(Rendering rendering, Arguments arguments) {
    List<Object> items = Values.items(rendering, arguments.positional().get(0));
    rendering.spendOnList(items.size());
    Object attribute = arguments.named().get("attribute");
    if (attribute != null) {
      Object otherwise = arguments.named().get("default");
      items.replaceAll(
          item -> {
            Object found = at(rendering, item, attribute);
            return given(found) || otherwise == null ? found : otherwise;
          });
      return items;
    }
    Function filter = inner(rendering, arguments, 1, "filter", ALL);
    Arguments rest = rest(arguments, 2);
    items.replaceAll(item -> filter.call(rendering, rest.after(item)));
    return items;
  }

  private static Object kept(
      Rendering rendering, Arguments arguments, boolean byAttribute, boolean wanted) {
    List<Object> items = Values.items(rendering, arguments.positional().get(0));
    rendering.spendOnList(items.size());
    int at = byAttribute ? 2 : 1;
    if (arguments.positional().size() < at) {
      throw rendering.error("expected the name of an attribute");
    }
    Predicate<Object> test =
        arguments.positional().size() == at ? Values::isTrue : tested(rendering, arguments, at);
    items.removeIf(
        item -> {
          Object tested = byAttribute ? at(rendering, item, arguments.positional().get(1)) : item;
          return test.test(tested) != wanted;
        });
    return items;
  }

  private static Predicate<Object> tested(Rendering rendering, Arguments arguments, int at) {
    Function test = inner(rendering, arguments, at, "test", Tests.ALL);
    Arguments rest = rest(arguments, at + 1);
    return item -> Values.isTrue(test.call(rendering, rest.after(item)));
  }

  private static Function inner(
      Rendering rendering, Arguments arguments, int at, String what, Map<String, Function> known) {
    Object name = arguments.positional().size() > at ? arguments.positional().get(at) : None.NONE;
    Function function = name instanceof String ? known.get(name) : null;
    if (function == null) {
      throw rendering.error("expected the name of a known " + what);
    }
    rendering.step();
    return function;
  }

  private static Arguments rest(Arguments arguments, int from) {
    return new Arguments(
        arguments.positional().subList(from, arguments.positional().size()), arguments.named());
  }
}
