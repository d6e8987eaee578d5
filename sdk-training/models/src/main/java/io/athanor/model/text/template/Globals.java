package io.athanor.model.text.template;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that a chat template may call. */
final class Globals {
  private Globals() {}

  static Map<String, Object> functions(Clock clock) {
    return Map.of(
        "range", (Function) Globals::range,
        "namespace", (Function) (r, a) -> new Namespace(new LinkedHashMap<>(fields(r, a))),
        "dict", (Function) Globals::fields,
        "raise_exception", (Function) Globals::refuse,
        "strftime_now", (Function) (r, a) -> now(r, a, clock));
  }

  private static List<Object> range(Rendering rendering, Arguments arguments) {
    List<Object> bound = arguments.bind(rendering, "range", 1, "start", "stop", "step");
    long first = Values.integer(rendering, bound.get(0));
    boolean one = bound.get(1) instanceof Undefined;
    long start = one ? 0 : first;
    long stop = one ? first : Values.integer(rendering, bound.get(1));
    long step = bound.get(2) instanceof Undefined ? 1 : Values.integer(rendering, bound.get(2));
    if (step == 0) {
      throw rendering.error("range needs a step that is not 0");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i = Math.addExact(i, step)) {
      rendering.spendOnList(0);
      numbers.add(i);
    }
    return numbers;
  }

  private static Map<String, Object> fields(Rendering rendering, Arguments arguments) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (Object positional : arguments.positional()) {
      if (!(positional instanceof Map<?, ?> map)) {
        throw rendering.error("expected a mapping, got " + Values.kind(positional));
      }
      map.forEach((key, value) -> fields.put(key.toString(), value));
    }
    fields.putAll(arguments.named());
    return fields;
  }

  private static Object refuse(Rendering rendering, Arguments arguments) {
    Object message = arguments.bind(rendering, "raise_exception", 1, "message").get(0);
    throw rendering.error(
        "the template refuses these messages: " + new Printer(rendering).text(message));
  }

  private static String now(Rendering rendering, Arguments arguments, Clock clock) {
    String format =
        Values.string(rendering, arguments.bind(rendering, "strftime_now", 1, "format").get(0));
    ZonedDateTime now = ZonedDateTime.now(clock);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char field = format.charAt(++i);
      text.append(
          field == '%'
              ? "%"
              : DateTimeFormatter.ofPattern(pattern(rendering, field), Locale.ENGLISH).format(now));
    }
    return text.toString();
  }

  private static String pattern(Rendering rendering, char field) {
    return switch (field) {
      case 'd' -> "dd";
      case 'm' -> "MM";
      case 'y' -> "yy";
      case 'Y' -> "yyyy";
      case 'b' -> "MMM";
      case 'B' -> "MMMM";
      case 'a' -> "EEE";
      case 'A' -> "EEEE";
      case 'H' -> "HH";
      case 'I' -> "hh";
      case 'M' -> "mm";
      case 'S' -> "ss";
      case 'p' -> "a";
      case 'j' -> "DDD";
      case 'F' -> "yyyy-MM-dd";
      case 'T' -> "HH:mm:ss";
      default -> throw rendering.error("strftime_now does not know %" + field);
    };
  }
}
