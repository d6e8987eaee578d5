package io.athanor.model.text.template;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Values as text: as Python's {@code str} prints them, and as JSON. */
final class Printer {
  private static final int MAXIMUM_DEPTH = 60;

  private final Rendering rendering;
  private final StringBuilder out = new StringBuilder();

  Printer(Rendering rendering) {
    this.rendering = rendering;
  }

  /** As Python's {@code str}; nothing for {@link Undefined}. */
  String text(Object value) {
    if (value instanceof String s) {
      return s;
    }
    if (value instanceof Undefined) {
      return "";
    }
    literal(value, 0);
    return out.toString();
  }

  private void literal(Object value, int depth) {
    enter(depth);
    if (value instanceof String s) {
      quoted(s);
    } else if (value instanceof List<?> list) {
      String separator = "[";
      for (Object item : list) {
        append(separator);
        literal(item, depth + 1);
        separator = ", ";
      }
      append(list.isEmpty() ? "[]" : "]");
    } else if (value instanceof Map<?, ?> map) {
      String separator = "{";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        append(separator);
        literal(entry.getKey(), depth + 1);
        append(": ");
        literal(entry.getValue(), depth + 1);
        separator = ", ";
      }
      append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof Boolean b) {
      append(b ? "True" : "False");
    } else if (value == None.NONE) {
      append("None");
    } else if (value instanceof Undefined) {
      append("Undefined");
    } else {
      append(number(value));
    }
  }

  /** In single quotes, or in double quotes where only those are not in the text. */
  private void quoted(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    rendering.spend(text.length());
    out.append(quote);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(c);
          } else if (c < 0x20 || (c >= 0x7F && c < 0xA1)) {
            out.append(String.format("\\x%02x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append(quote);
  }

  private String number(Object value) {
    if (value instanceof Long) {
      return value.toString();
    }
    if (value instanceof Double d) {
      if (d.isNaN() || d.isInfinite()) {
        return d.isNaN() ? "nan" : d > 0 ? "inf" : "-inf";
      }
      double size = Math.abs(d);
      if (size == 0 || (size >= 1e-4 && size < 1e16)) {
        String plain = new BigDecimal(d.toString()).toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
      }
      String[] parts = d.toString().split("E");
      String digits = parts[0].endsWith(".0") ? parts[0].replace(".0", "") : parts[0];
      int exponent = Integer.parseInt(parts[1]);
      return digits + (exponent < 0 ? "e-" : "e+") + String.format("%02d", Math.abs(exponent));
    }
    throw rendering.error(Values.kind(value) + " cannot be printed");
  }

  /**
   * As Python's {@code json.dumps} without escapes for letters outside ASCII.
   *
   * @param indent spaces for each level, or negative for one line
   */
  String json(Object value, int indent, boolean sorted) {
    json(value, indent, sorted, 0);
    return out.toString();
  }

  private void json(Object value, int indent, boolean sorted, int depth) {
    enter(depth);
    if (value instanceof String s) {
      jsonText(s);
    } else if (value instanceof List<?> list) {
      String separator = "[";
      for (Object item : list) {
        append(separator);
        line(indent, depth + 1);
        json(item, indent, sorted, depth + 1);
        separator = indent < 0 ? ", " : ",";
      }
      close(list.isEmpty(), "[", "]", indent, depth);
    } else if (value instanceof Map<?, ?> map) {
      Map<String, Object> entries = sorted ? new TreeMap<>() : new java.util.LinkedHashMap<>();
      map.forEach((key, entry) -> entries.put(new Printer(rendering).text(key), entry));
      String separator = "{";
      for (Map.Entry<String, Object> entry : entries.entrySet()) {
        append(separator);
        line(indent, depth + 1);
        jsonText(entry.getKey());
        append(": ");
        json(entry.getValue(), indent, sorted, depth + 1);
        separator = indent < 0 ? ", " : ",";
      }
      close(entries.isEmpty(), "{", "}", indent, depth);
    } else if (value instanceof Boolean) {
      append(value.toString());
    } else if (value == None.NONE) {
      append("null");
    } else if (value instanceof Undefined undefined) {
      throw rendering.error(undefined.problem());
    } else {
      append(number(value));
    }
  }

  private void line(int indent, int depth) {
    if (indent >= 0) {
      append("\n" + " ".repeat(indent * depth));
    }
  }

  private void close(boolean empty, String open, String close, int indent, int depth) {
    if (empty) {
      append(open);
    } else {
      line(indent, depth);
    }
    append(close);
  }

  private void jsonText(String text) {
    rendering.spend(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int simple = "\"\\\n\r\t\b\f".indexOf(c);
      if (simple >= 0) {
        out.append('\\').append("\"\\nrtbf".charAt(simple));
      } else if (c < 0x20) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  private void enter(int depth) {
    rendering.step();
    if (depth > MAXIMUM_DEPTH) {
      throw rendering.error("a value is nested too deeply to be printed");
    }
  }

  private void append(String text) {
    rendering.spend(text.length());
    out.append(text);
  }
}
