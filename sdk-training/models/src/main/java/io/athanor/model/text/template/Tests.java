package io.athanor.model.text.template;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/** Jinja's tests: what may follow {@code is}. */
final class Tests {
  static final Map<String, Function> ALL = all();

  private Tests() {}

  private static Map<String, Function> all() {
    Map<String, Function> all = new HashMap<>();
    all.put("defined", test(v -> !(v instanceof Undefined)));
    all.put("undefined", test(v -> v instanceof Undefined));
    all.put("none", test(v -> v == None.NONE));
    all.put("string", test(v -> v instanceof String));
    all.put("mapping", test(v -> v instanceof Map));
    all.put("sequence", test(v -> v instanceof String || v instanceof List || v instanceof Map));
    all.put("iterable", test(Tests::isIterable));
    all.put("number", test(v -> v instanceof Number || v instanceof Boolean));
    all.put("integer", test(v -> v instanceof Long));
    all.put("float", test(v -> v instanceof Double));
    all.put("boolean", test(v -> v instanceof Boolean));
    all.put("true", test(v -> v.equals(true)));
    all.put("false", test(v -> v.equals(false)));
    all.put("callable", test(v -> v instanceof Function));
    all.put("lower", test(v -> v instanceof String s && s.equals(s.toLowerCase(Locale.ROOT))));
    all.put("upper", test(v -> v instanceof String s && s.equals(s.toUpperCase(Locale.ROOT))));
    all.put("odd", (r, a) -> Values.integer(r, one(r, a)) % 2 != 0);
    all.put("even", (r, a) -> Values.integer(r, one(r, a)) % 2 == 0);
    all.put("divisibleby", Tests::divides);
    comparison(all, "==", "eq", "equalto", "==", "sameas");
    comparison(all, "!=", "ne", "!=");
    comparison(all, "<", "lt", "lessthan", "<");
    comparison(all, "<=", "le", "<=");
    comparison(all, ">", "gt", "greaterthan", ">");
    comparison(all, ">=", "ge", ">=");
    comparison(all, "in", "in");
    return Map.copyOf(all);
  }

  private static boolean isIterable(Object value) {
    return value instanceof String
        || value instanceof List
        || value instanceof Map
        || value instanceof Undefined;
  }

  private static Object one(Rendering rendering, Arguments arguments) {
    return arguments.bind(rendering, "the test", 1, "value").get(0);
  }

  private static Function test(Predicate<Object> predicate) {
    return (rendering, arguments) -> predicate.test(one(rendering, arguments));
  }

  private static void comparison(Map<String, Function> all, String operator, String... names) {
    for (String name : names) {
      all.put(
          name,
          (rendering, arguments) -> {
            List<Object> bound = arguments.bind(rendering, "the test", 2, "value", "other");
            return Values.compare(rendering, operator, bound.get(0), bound.get(1));
          });
    }
  }

  private static Object divides(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "divisibleby", 2, "value", "num");
    return Math.floorMod(
            Values.integer(rendering, bound.get(0)), Values.integer(rendering, bound.get(1)))
        == 0;
  }
}
