package io.athanor.model.text.template;

import io.athanor.api.error.FormatException;
import io.athanor.model.text.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens. White space around tags as Jinja does it with {@code trim_blocks}
 * and {@code lstrip_blocks}: the line break after a block tag and the indentation before one are no
 * text.
 */
final class Lexer {
  private static final int MAXIMUM_LENGTH = 1 << 20;
  private static final Pattern RAW_BEGIN = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%\\}");
  private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*[-+]?%\\}");
  private static final Pattern NUMBER =
      Pattern.compile("[0-9][0-9_]*(\\.[0-9][0-9_]*)?([eE][-+]?[0-9]+)?");
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",");

  private final String source;
  private final String text;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean lineStarts = true;

  private Lexer(String source, String text) {
    this.source = source;
    this.text = text;
  }

  /** The tokens, the last of which is {@link Kind#END}. */
  static List<Token> tokens(String source, String template) {
    if (template.length() > MAXIMUM_LENGTH) {
      throw new FormatException(
          source, "expected a template of at most " + MAXIMUM_LENGTH + " characters");
    }
    String text = template.replace("\r\n", "\n").replace('\r', '\n');
    if (text.endsWith("\n")) {
      text = text.substring(0, text.length() - 1);
    }
    Lexer lexer = new Lexer(source, text);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (position < text.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.TEXT, text.substring(position));
        position = text.length();
        break;
      }
      char kind = text.charAt(tag + 1);
      char sign = tag + 2 < text.length() ? text.charAt(tag + 2) : ' ';
      text(tag, sign, kind != '{');
      if (kind == '#') {
        comment();
      } else if (kind == '{') {
        tag(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}", sign);
      } else if (!raw()) {
        tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}", sign);
      }
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int i = text.indexOf('{', position); i >= 0; i = text.indexOf('{', i + 1)) {
      if (i + 1 < text.length() && "{%#".indexOf(text.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Adds the text before a tag, less the white space that the tag takes away. */
  private void text(int end, char sign, boolean block) {
    String data = text.substring(position, end);
    String kept = data;
    if (sign == '-') {
      kept = Spaces.stripEnd(data);
    } else if (sign != '+' && block) {
      int lineStart = data.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarts) && Spaces.isBlank(data.substring(lineStart))) {
        kept = data.substring(0, lineStart);
      }
    }
    if (!kept.isEmpty()) {
      add(Kind.TEXT, kept);
    }
    moveTo(end);
  }

  private void comment() {
    int end = text.indexOf("#}", position + 2);
    if (end < 0) {
      throw error("the comment does not end; expected '#}'");
    }
    char sign = end > position + 2 ? text.charAt(end - 1) : ' ';
    moveTo(end + 2);
    skipAfterTag(sign, true);
  }

  private boolean raw() {
    Matcher begin = RAW_BEGIN.matcher(text).region(position, text.length());
    if (!begin.lookingAt()) {
      return false;
    }
    Matcher end = RAW_END.matcher(text);
    if (!end.find(begin.end())) {
      throw error("the raw block does not end; expected '{% endraw %}'");
    }
    moveTo(begin.end());
    skipAfterTag(begin.group(1).isEmpty() ? '+' : '-', false);
    position = Math.min(position, end.start());
    text(end.start(), end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0), true);
    char sign = text.charAt(end.end() - 3);
    moveTo(end.end());
    skipAfterTag(sign, true);
    return true;
  }

  private void tag(Kind begin, Kind end, String closing, char sign) {
    add(begin, "");
    int opened = line;
    position += sign == '-' || sign == '+' ? 3 : 2;
    Deque<Character> brackets = new ArrayDeque<>();
    while (true) {
      while (position < text.length() && Spaces.isSpace(text.charAt(position))) {
        moveTo(position + 1);
      }
      if (position >= text.length()) {
        throw new FormatException(
            source, opened, null, "the tag does not end; expected '" + closing + "'");
      }
      char c = text.charAt(position);
      int signs = (c == '-' || c == '+') && text.startsWith(closing, position + 1) ? 1 : 0;
      if (brackets.isEmpty() && text.startsWith(closing, position + signs)) {
        add(end, "");
        moveTo(position + signs + 2);
        skipAfterTag(signs == 1 ? c : ' ', end == Kind.BLOCK_END);
        return;
      }
      token(c, brackets);
    }
  }

  private void token(char c, Deque<Character> brackets) {
    if (c == '"' || c == '\'') {
      string(c);
    } else if (c >= '0' && c <= '9') {
      number();
    } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int end = position + 1;
      while (end < text.length() && Character.isUnicodeIdentifierPart(text.charAt(end))) {
        end++;
      }
      add(Kind.NAME, text.substring(position, end));
      position = end;
    } else {
      String operator =
          OPERATORS.stream()
              .filter(o -> text.startsWith(o, position))
              .findFirst()
              .orElseThrow(() -> error("unexpected character '" + c + "'"));
      balance(operator.charAt(0), brackets);
      add(Kind.OPERATOR, operator);
      position += operator.length();
    }
  }

  private void balance(char c, Deque<Character> brackets) {
    int opening = "([{".indexOf(c);
    int closing = ")]}".indexOf(c);
    if (opening >= 0) {
      brackets.push(")]}".charAt(opening));
    } else if (closing >= 0 && (brackets.isEmpty() || brackets.pop() != c)) {
      throw error("unexpected '" + c + "'");
    }
  }

  private void number() {
    Matcher number = NUMBER.matcher(text).region(position, text.length());
    if (!number.lookingAt()) {
      throw error("expected a number");
    }
    boolean whole = number.group(1) == null && number.group(2) == null;
    add(whole ? Kind.INTEGER : Kind.FLOAT, number.group().replace("_", ""));
    position = number.end();
  }

  private void string(char quote) {
    StringBuilder value = new StringBuilder();
    int i = position + 1;
    while (i < text.length() && text.charAt(i) != quote) {
      char c = text.charAt(i++);
      if (c == '\\' && i < text.length()) {
        i = escape(i, value);
      } else {
        value.append(c);
      }
    }
    if (i >= text.length()) {
      throw error("the string does not end; expected " + quote);
    }
    add(Kind.STRING, value.toString());
    moveTo(i + 1);
  }

  /** Python's escapes; returns the place after it. */
  private int escape(int at, StringBuilder value) {
    char c = text.charAt(at);
    int simple = "ntr\\'\"abfv0".indexOf(c);
    if (simple >= 0) {
      value.append("\n\t\r\\'\"\u0007\b\f\u000B\0".charAt(simple));
      return at + 1;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      try {
        int end = Math.min(text.length(), at + 1 + digits);
        value.appendCodePoint(Integer.parseUnsignedInt(text.substring(at + 1, end), 16));
        return end;
      } catch (IllegalArgumentException e) {
        throw error("expected " + digits + " hexadecimal digits after \\" + c);
      }
    }
    if (c != '\n') {
      value.append('\\').append(c);
    }
    return at + 1;
  }

  private void skipAfterTag(char sign, boolean block) {
    int before = position;
    if (sign == '-') {
      while (position < text.length() && Spaces.isSpace(text.charAt(position))) {
        moveTo(position + 1);
      }
    } else if (sign != '+' && block && text.startsWith("\n", position)) {
      moveTo(position + 1);
    }
    lineStarts = position > before && text.charAt(position - 1) == '\n';
  }

  /** Moves forward, counting lines. */
  private void moveTo(int target) {
    while (position < target) {
      if (text.charAt(position++) == '\n') {
        line++;
      }
    }
  }

  private void add(Kind kind, String value) {
    tokens.add(new Token(kind, value, line));
  }

  private FormatException error(String problem) {
    return new FormatException(source, line, null, problem);
  }
}
