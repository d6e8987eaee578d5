package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Python does with the values of a template: truth, order, parts. */
final class Values {
  private static final int MAXIMUM_DEPTH = 60;

  private Values() {}

  static boolean isTrue(Object value) {
    if (value instanceof Boolean b) {
      return b;
    }
    if (value instanceof String s) {
      return !s.isEmpty();
    }
    if (value instanceof List<?> list) {
      return !list.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    return value != None.NONE && !(value instanceof Undefined);
  }

  /** The name of its type, for errors. */
  static String kind(Object value) {
    if (value instanceof String) {
      return "a string";
    }
    if (value instanceof List) {
      return "a list";
    }
    if (value instanceof Map) {
      return "a mapping";
    }
    if (value instanceof Boolean) {
      return "a boolean";
    }
    if (value instanceof Number) {
      return "a number";
    }
    if (value instanceof Function) {
      return "a function";
    }
    return value == None.NONE ? "none" : value instanceof Undefined ? "undefined" : "an object";
  }

  static String string(Rendering rendering, Object value) {
    if (value instanceof String s) {
      return s;
    }
    throw unexpected(rendering, "a string", value);
  }

  static long integer(Rendering rendering, Object value) {
    if (value instanceof Long number) {
      return number;
    }
    if (value instanceof Boolean b) {
      return b ? 1 : 0;
    }
    throw unexpected(rendering, "a whole number", value);
  }

  static RuntimeException unexpected(Rendering rendering, String expected, Object value) {
    return rendering.error(
        value instanceof Undefined undefined
            ? undefined.problem()
            : "expected " + expected + ", got " + kind(value));
  }

  static List<Object> characters(Rendering rendering, String text) {
    rendering.spendOnList(text.length());
    List<Object> characters = new ArrayList<>();
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  /** What a loop goes through. */
  static List<Object> items(Rendering rendering, Object value) {
    if (value instanceof List<?> list) {
      rendering.spend(list.size());
      return new ArrayList<>(list);
    }
    if (value instanceof Map<?, ?> map) {
      rendering.spendOnList(map.size());
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof String text) {
      return characters(rendering, text);
    }
    if (value instanceof Undefined) {
      return List.of();
    }
    throw unexpected(rendering, "something to loop over", value);
  }

  static long length(Rendering rendering, Object value) {
    if (value instanceof String text) {
      rendering.spend(text.length());
      return text.codePointCount(0, text.length());
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    throw unexpected(rendering, "a string, list or mapping", value);
  }

  /** The entry of a mapping or the element of a list or string. */
  static Object entry(Rendering rendering, Object target, Object key) {
    if (target instanceof Map<?, ?> map) {
      Object found = map.get(key);
      return found != null
          ? found
          : new Undefined("the mapping has no entry '" + new Printer(rendering).text(key) + "'");
    }
    if (target instanceof Namespace namespace) {
      Object found = key instanceof String name ? namespace.values().get(name) : null;
      return found != null ? found : new Undefined("the namespace has no '" + key + "'");
    }
    if (target instanceof Undefined undefined) {
      throw rendering.error(undefined.problem());
    }
    if (key instanceof Long index && (target instanceof List || target instanceof String)) {
      long size = length(rendering, target);
      long at = index < 0 ? index + size : index;
      if (at < 0 || at >= size) {
        return new Undefined(kind(target) + " of " + size + " has no element " + index);
      }
      return target instanceof List<?> list
          ? list.get((int) at)
          : characters(rendering, (String) target).get((int) at);
    }
    return new Undefined(kind(target) + " has no attribute '" + key + "'");
  }

  /** A piece of a list or string; places count from the end where they are negative. */
  static Object slice(
      Rendering rendering,
      Object target,
      @Nullable Long start,
      @Nullable Long stop,
      @Nullable Long step) {
    if (!(target instanceof List) && !(target instanceof String)) {
      throw unexpected(rendering, "a list or a string", target);
    }
    List<Object> all = items(rendering, target);
    long by = step == null ? 1 : step;
    if (by == 0) {
      throw rendering.error("the step of a slice is 0");
    }
    long lowest = by > 0 ? 0 : -1;
    long highest = by > 0 ? all.size() : all.size() - 1L;
    long from = start == null ? (by > 0 ? lowest : highest) : place(start, all, lowest, highest);
    long to = stop == null ? (by > 0 ? highest : lowest) : place(stop, all, lowest, highest);
    List<Object> piece = new ArrayList<>();
    for (long i = from; by > 0 ? i < to : i > to; i = Math.addExact(i, by)) {
      piece.add(all.get((int) i));
    }
    rendering.spendOnList(piece.size());
    return target instanceof String ? joined(piece) : piece;
  }

  private static long place(long index, List<Object> all, long lowest, long highest) {
    long at = index < 0 ? Math.max(index, Integer.MIN_VALUE) + all.size() : index;
    return Math.max(lowest, Math.min(highest, at));
  }

  private static String joined(List<Object> characters) {
    StringBuilder text = new StringBuilder();
    characters.forEach(text::append);
    return text.toString();
  }

  static boolean compare(Rendering rendering, String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> equal(rendering, left, right);
      case "!=" -> !equal(rendering, left, right);
      case "in" -> contains(rendering, right, left);
      case "not in" -> !contains(rendering, right, left);
      case "<" -> order(rendering, left, right) < 0;
      case "<=" -> order(rendering, left, right) <= 0;
      case ">" -> order(rendering, left, right) > 0;
      default -> order(rendering, left, right) >= 0;
    };
  }

  static boolean equal(Rendering rendering, Object left, Object right) {
    return equal(rendering, left, right, 0);
  }

  private static boolean equal(Rendering rendering, Object left, Object right, int depth) {
    rendering.step();
    if (depth > MAXIMUM_DEPTH) {
      throw rendering.error("a value is nested too deeply");
    }
    if (isNumber(left) && isNumber(right)) {
      return order(rendering, left, right) == 0;
    }
    if (left instanceof String a && right instanceof String b) {
      rendering.spend(Math.min(a.length(), b.length()));
      return a.equals(b);
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      if (a.size() != b.size()) {
        return false;
      }
      for (int i = 0; i < a.size(); i++) {
        if (!equal(rendering, a.get(i), b.get(i), depth + 1)) {
          return false;
        }
      }
      return true;
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      if (!a.keySet().equals(b.keySet())) {
        return false;
      }
      for (Map.Entry<?, ?> entry : a.entrySet()) {
        Object other = entry(rendering, b, entry.getKey());
        if (!equal(rendering, entry.getValue(), other, depth + 1)) {
          return false;
        }
      }
      return true;
    }
    return left == right || (left instanceof Undefined && right instanceof Undefined);
  }

  private static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  private static boolean contains(Rendering rendering, Object container, Object part) {
    if (container instanceof String text) {
      rendering.spend(text.length());
      return text.contains(string(rendering, part));
    }
    if (container instanceof Map<?, ?> map) {
      return map.containsKey(part);
    }
    for (Object item : items(rendering, container)) {
      if (equal(rendering, item, part)) {
        return true;
      }
    }
    return false;
  }

  static int order(Rendering rendering, Object left, Object right) {
    if (left instanceof String a && right instanceof String b) {
      rendering.spend(Math.min(a.length(), b.length()));
      return a.compareTo(b);
    }
    if (isNumber(left) && isNumber(right)) {
      return left instanceof Double || right instanceof Double
          ? Double.compare(
              Arithmetic.real(rendering, left) + 0.0, Arithmetic.real(rendering, right) + 0.0)
          : Long.compare(integer(rendering, left), integer(rendering, right));
    }
    throw unexpected(rendering, "numbers or strings to compare", isNumber(left) ? right : left);
  }
}
