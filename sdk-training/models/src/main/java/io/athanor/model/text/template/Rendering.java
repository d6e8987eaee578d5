package io.athanor.model.text.template;

import io.athanor.api.error.FormatException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The state of one rendering: variables, text so far, and what is left of the work that a template
 * may do.
 */
final class Rendering {
  /**
   * Steps and characters; a second or two of work, and no more memory than that many characters.
   */
  private static final long MAXIMUM_WORK = 1L << 26;

  /** A step takes the time, and a list's entry the memory, of some characters. */
  private static final int STEP = 16;

  private static final int MAXIMUM_CALLS = 30;

  private final String source;
  private final StringBuilder main = new StringBuilder();
  private final List<Template.Span> marked = new ArrayList<>();
  private StringBuilder output = main;
  private Scope scope;
  private long work;
  private int calls;
  private int line;

  Rendering(String source, Map<String, Object> variables) {
    this.source = source;
    this.scope = new Scope(null, new HashMap<>(variables));
  }

  /** Variables of a block and, behind them, those around it. */
  record Scope(@Nullable Scope outer, Map<String, Object> values) {
    @Nullable Object find(String name) {
      for (Scope s = this; s != null; s = s.outer) {
        Object value = s.values.get(name);
        if (value != null) {
          return value;
        }
      }
      return null;
    }
  }

  FormatException error(String problem) {
    return new FormatException(source, line, null, problem);
  }

  /** Says which line is being rendered, for errors. */
  void at(int newLine) {
    line = newLine;
    step();
  }

  int line() {
    return line;
  }

  /**
   * Counts characters that are read or made.
   *
   * @throws FormatException if the template works on and on
   */
  void spend(long units) {
    if (units > MAXIMUM_WORK - work) {
      throw error("the template does too much work; look for a loop or a value that grows");
    }
    work += units;
  }

  /** Counts the evaluation of one part of the template. */
  void step() {
    spend(STEP);
  }

  /** Counts the making of a list. */
  void spendOnList(long length) {
    spend(STEP * (1 + length));
  }

  void write(String text) {
    spend(1L + text.length());
    output.append(text);
  }

  Object variable(String name) {
    Object value = scope.find(name);
    return value != null ? value : new Undefined("'" + name + "' is undefined");
  }

  void assign(String name, Object value) {
    scope.values.put(name, value);
  }

  Scope scope() {
    return scope;
  }

  /** Renders a body with variables of its own. */
  Statement.Flow inside(Scope around, Map<String, Object> values, Statement body) {
    Scope before = scope;
    scope = new Scope(around, new HashMap<>(values));
    try {
      return body.render(this);
    } finally {
      scope = before;
    }
  }

  /** The text that a body gives, instead of writing it. */
  String capture(Statement body) {
    StringBuilder before = output;
    output = new StringBuilder();
    try {
      body.render(this);
      return output.toString();
    } finally {
      output = before;
    }
  }

  /** Renders the body of a macro. */
  String call(String name, Scope around, Map<String, Object> values, Statement body) {
    int caller = line;
    if (++calls > MAXIMUM_CALLS) {
      throw error("the macro '" + name + "' calls itself too deeply");
    }
    try {
      return capture(rendering -> inside(around, values, body));
    } finally {
      calls--;
      line = caller;
    }
  }

  /** Renders a body and remembers where its text is. */
  Statement.Flow mark(Statement body) {
    int start = output.length();
    Statement.Flow flow = inside(scope, Map.of(), body);
    if (output == main) {
      marked.add(new Template.Span(start, output.length()));
    }
    return flow;
  }

  Template.Result result() {
    return new Template.Result(main.toString(), List.copyOf(marked));
  }
}
