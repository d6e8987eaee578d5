package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings, mappings and lists that change nothing. */
final class Methods {
  private Methods() {}

  /** A method or a part of the loop; null if there is none of that name. */
  static @Nullable Object attribute(Object target, String name) {
    if (target instanceof Loop loop) {
      return loop.attribute(name);
    }
    if (target instanceof String text) {
      return ofString(text, name);
    }
    if (target instanceof Map<?, ?> map) {
      return ofMap(map, name);
    }
    return null;
  }

  private static @Nullable Function ofMap(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> (r, a) -> entries(r, map);
      case "keys" -> (r, a) -> Values.items(r, map);
      case "values" ->
          (r, a) -> {
            r.spendOnList(map.size());
            return new ArrayList<>(map.values());
          };
      case "get" ->
          (r, a) -> {
            List<Object> bound = a.bind(r, "get", 1, "key", "default");
            Object found = map.get(bound.get(0));
            return found != null ? found : given(bound.get(1), None.NONE);
          };
      default -> null;
    };
  }

  static List<Object> entries(Rendering rendering, Map<?, ?> map) {
    rendering.spendOnList(3L * map.size());
    List<Object> entries = new ArrayList<>();
    map.forEach((key, value) -> entries.add(List.<Object>of(key, value)));
    return entries;
  }

  private static Object given(Object value, Object otherwise) {
    return value instanceof Undefined ? otherwise : value;
  }

  private static @Nullable Function ofString(String text, String name) {
    Function method = strings(text, name);
    return method == null
        ? null
        : (rendering, arguments) -> {
          rendering.spend(text.length());
          return method.call(rendering, arguments);
        };
  }

  private static @Nullable Function strings(String text, String name) {
    return switch (name) {
      case "strip" -> (r, a) -> strip(text, characters(r, a, name), true, true);
      case "lstrip" -> (r, a) -> strip(text, characters(r, a, name), true, false);
      case "rstrip" -> (r, a) -> strip(text, characters(r, a, name), false, true);
      case "upper" -> (r, a) -> text.toUpperCase(Locale.ROOT);
      case "lower" -> (r, a) -> text.toLowerCase(Locale.ROOT);
      case "title" -> (r, a) -> title(text);
      case "capitalize" -> (r, a) -> capitalized(text);
      case "startswith" -> (r, a) -> affixes(r, a, name).stream().anyMatch(text::startsWith);
      case "endswith" -> (r, a) -> affixes(r, a, name).stream().anyMatch(text::endsWith);
      case "split" -> (r, a) -> split(r, a, text, false);
      case "rsplit" -> (r, a) -> split(r, a, text, true);
      case "splitlines" -> (r, a) -> list(r, text.lines().toList());
      case "replace" -> (r, a) -> replace(r, a, text);
      case "join" -> (r, a) -> join(r, text, a.bind(r, "join", 1, "items").get(0));
      case "find" -> (r, a) -> place(text, text.indexOf(one(r, a, name)));
      case "rfind" -> (r, a) -> place(text, text.lastIndexOf(one(r, a, name)));
      case "count" -> (r, a) -> (long) Strings.pieces(text, one(r, a, name), -1).size() - 1;
      case "removeprefix" ->
          (r, a) ->
              text.startsWith(one(r, a, name)) ? text.substring(one(r, a, name).length()) : text;
      case "removesuffix" ->
          (r, a) ->
              text.endsWith(one(r, a, name))
                  ? text.substring(0, text.length() - one(r, a, name).length())
                  : text;
      case "isdigit" -> (r, a) -> every(text, Character::isDigit);
      case "isalpha" -> (r, a) -> every(text, Character::isLetter);
      case "isspace" -> (r, a) -> every(text, Spaces::isSpace);
      case "isupper" -> (r, a) -> text.equals(text.toUpperCase(Locale.ROOT)) && hasCase(text);
      case "islower" -> (r, a) -> text.equals(text.toLowerCase(Locale.ROOT)) && hasCase(text);
      default -> null;
    };
  }

  private static boolean every(String text, IntPredicate predicate) {
    return !text.isEmpty() && text.codePoints().allMatch(predicate);
  }

  private static boolean hasCase(String text) {
    return !text.toUpperCase(Locale.ROOT).equals(text.toLowerCase(Locale.ROOT));
  }

  private static String one(Rendering rendering, Arguments arguments, String method) {
    return Values.string(rendering, arguments.bind(rendering, method, 1, "text").get(0));
  }

  /** A place in code points. */
  private static long place(String text, int index) {
    return index < 0 ? index : text.codePointCount(0, index);
  }

  private static @Nullable String characters(
      Rendering rendering, Arguments arguments, String method) {
    Object set = arguments.bind(rendering, method, 0, "characters").get(0);
    return set instanceof Undefined || set == None.NONE ? null : Values.string(rendering, set);
  }

  /**
   * @param set the characters to take away, or null for white space
   */
  static String strip(String text, @Nullable String set, boolean atStart, boolean atEnd) {
    IntPredicate taken = set == null ? Spaces::isSpace : c -> set.indexOf(c) >= 0;
    int start = 0;
    int end = text.length();
    while (atStart && start < end && taken.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    while (atEnd && end > start && taken.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }

  static String capitalized(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      title.appendCodePoint(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inside = Character.isLetter(c);
    }
    return title.toString();
  }

  private static List<String> affixes(Rendering rendering, Arguments arguments, String method) {
    Object affix = arguments.bind(rendering, method, 1, "affix").get(0);
    if (!(affix instanceof List<?> several)) {
      return List.of(Values.string(rendering, affix));
    }
    return several.stream().map(each -> Values.string(rendering, each)).toList();
  }

  private static List<Object> split(
      Rendering rendering, Arguments arguments, String text, boolean fromEnd) {
    List<Object> bound = arguments.bind(rendering, "split", 0, "sep", "maxsplit");
    Object separator = given(bound.get(0), None.NONE);
    long most = bound.get(1) instanceof Undefined ? -1 : Values.integer(rendering, bound.get(1));
    if (separator.equals("")) {
      throw rendering.error("split needs a separator that is not empty");
    }
    String by = separator == None.NONE ? null : Values.string(rendering, separator);
    return list(
        rendering,
        fromEnd ? Strings.piecesFromEnd(text, by, most) : Strings.pieces(text, by, most));
  }

  private static List<Object> list(Rendering rendering, List<String> strings) {
    rendering.spendOnList(strings.size());
    return new ArrayList<>(strings);
  }

  private static String replace(Rendering rendering, Arguments arguments, String text) {
    List<Object> bound = arguments.bind(rendering, "replace", 2, "old", "new", "count");
    long most = bound.get(2) instanceof Undefined ? -1 : Values.integer(rendering, bound.get(2));
    return replace(
        rendering,
        text,
        Values.string(rendering, bound.get(0)),
        Values.string(rendering, bound.get(1)),
        most);
  }

  static String replace(Rendering rendering, String text, String old, String by, long most) {
    if (old.isEmpty()) {
      throw rendering.error("replace needs a text that is not empty to look for");
    }
    List<String> pieces = Strings.pieces(text, old, most);
    rendering.spend(text.length() + (long) pieces.size() * by.length());
    return String.join(by, pieces);
  }

  static String join(Rendering rendering, String separator, Object items) {
    StringBuilder joined = new StringBuilder();
    String before = "";
    for (Object item : Values.items(rendering, items)) {
      String text = new Printer(rendering).text(item);
      rendering.spend((long) before.length() + text.length());
      joined.append(before).append(text);
      before = separator;
    }
    return joined.toString();
  }
}
