package io.athanor.deploy.target;

import io.athanor.model.text.ChatMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of Go's {@code text/template} that our templates use, as its documentation has it; that
 * Go itself agrees is what {@code GoTemplatePeerTest} shows.
 */
final class GoText {
  private static final Pattern ACTION = Pattern.compile("\\{\\{ (.*?) \\}\\}", Pattern.DOTALL);
  private static final Pattern WORD = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"|[()]|[^\\s()]+");

  private final List<String> parts = new ArrayList<>();
  private final List<ChatMessage> messages;
  private final String prompt;
  private final StringBuilder out = new StringBuilder();
  private int at;

  private GoText(String template, List<ChatMessage> messages, String prompt) {
    this.messages = messages;
    this.prompt = prompt;
    Matcher action = ACTION.matcher(template);
    int end = 0;
    while (action.find()) {
      parts.add(template.substring(end, action.start()));
      parts.add(action.group(1));
      end = action.end();
    }
    parts.add(template.substring(end));
  }

  static String render(String template, List<ChatMessage> messages, String prompt) {
    GoText text = new GoText(template, messages, prompt);
    text.block(Map.of(), true);
    if (text.at != text.parts.size()) {
      throw new IllegalStateException("unbalanced end in " + template);
    }
    return text.out.toString();
  }

  /** Up to the {@code end} or {@code else} of this block, which is returned. */
  private String block(Map<String, Object> scope, boolean run) {
    while (at < parts.size()) {
      String part = parts.get(at);
      boolean action = at++ % 2 == 1;
      if (!action) {
        out.append(run ? part : "");
      } else if (part.equals("end") || part.startsWith("else")) {
        return part;
      } else if (part.startsWith("if ")) {
        branch(part.substring(3), scope, run);
      } else if (part.equals("range $i, $turn := .Messages")) {
        range(run);
      } else if (run) {
        out.append(value(part, scope));
      }
    }
    return "";
  }

  private void range(boolean run) {
    int begin = at;
    if (messages.isEmpty() || !run) {
      block(Map.of(), false);
    }
    for (int i = 0; run && i < messages.size(); i++) {
      at = begin;
      Map<String, Object> scope = new HashMap<>();
      scope.put("$i", i);
      scope.put(".Role", messages.get(i).role());
      scope.put(".Content", messages.get(i).content());
      block(scope, true);
    }
  }

  private void branch(String condition, Map<String, Object> scope, boolean run) {
    boolean holds = run && value(condition, scope).equals(true);
    String end = block(scope, holds);
    boolean done = holds;
    while (!end.equals("end")) {
      boolean next =
          run && !done && (end.equals("else") || value(end.substring(8), scope).equals(true));
      done |= next;
      end = block(scope, next);
    }
  }

  private Object value(String pipeline, Map<String, Object> scope) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(pipeline);
    while (word.find()) {
      words.add(word.group());
    }
    return call(words, scope);
  }

  private Object call(List<String> words, Map<String, Object> scope) {
    List<Object> values = new ArrayList<>();
    String function = words.get(0);
    boolean called = List.of("and", "eq", "ne", "index").contains(function);
    int i = called ? 1 : 0;
    while (i < words.size()) {
      if (!words.get(i).equals("(")) {
        values.add(operand(words.get(i++), scope));
        continue;
      }
      int close = closing(words, i);
      Object inner = call(words.subList(i + 1, close), scope);
      i = close + 1;
      if (i < words.size() && words.get(i).equals(".Role")) {
        inner = ((ChatMessage) inner).role();
        i++;
      }
      values.add(inner);
      if (function.equals("and") && inner.equals(false)) {
        return false;
      }
    }
    return switch (function) {
      case "and" -> !values.contains(false);
      case "eq" -> values.get(0).equals(values.get(1));
      case "ne" -> !values.get(0).equals(values.get(1));
      case "index" -> {
        if (values.get(1) instanceof String text) {
          throw new IllegalArgumentException(
              "error calling index: cannot index slice/array with type string: " + text);
        }
        yield messages.get((Integer) values.get(1));
      }
      default -> values.get(0);
    };
  }

  private static int closing(List<String> words, int open) {
    int depth = 0;
    for (int i = open; ; i++) {
      depth += words.get(i).equals("(") ? 1 : words.get(i).equals(")") ? -1 : 0;
      if (depth == 0) {
        return i;
      }
    }
  }

  private Object operand(String word, Map<String, Object> scope) {
    if (word.startsWith("\"")) {
      return word.substring(1, word.length() - 1);
    }
    if (word.equals("$.Messages")) {
      return messages;
    }
    if (word.equals(".Prompt")) {
      return prompt;
    }
    return word.matches("[0-9]+")
        ? Integer.valueOf(word)
        : Objects.requireNonNull(scope.get(word), word);
  }
}
