package io.athanor.model.text.template;

import io.athanor.api.error.FormatException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A parsed template. Immutable and thread-safe.
 *
 * <p>What it knows: output, {@code if}, {@code for} with {@code break} and {@code continue}, {@code
 * set}, {@code macro}, {@code raw}, {@code generation}; the expressions of Jinja with the filters,
 * tests and methods that chat templates use. What it does not know ends in an error with the line.
 *
 * @see <a href="https://jinja.palletsprojects.com/templates/">Jinja's language</a>
 */
public final class Template {
  private final String source;
  private final Statement body;
  private final boolean marks;

  private Template(String source, Statement body, boolean marks) {
    this.source = source;
    this.body = body;
    this.marks = marks;
  }

  /** A piece of a text, from {@code start} up to and without {@code end}, in UTF-16 units. */
  public record Span(int start, int end) {}

  /**
   * @param marked the text inside {@code generation} blocks, in order
   */
  public record Result(String text, List<Span> marked) {}

  /**
   * Parses a template.
   *
   * @param source named in errors
   * @throws FormatException with the line of what is wrong or unknown
   */
  public static Template parse(String source, String text) {
    Parser parser = new Parser(source, Lexer.tokens(source, text));
    return new Template(source, parser.template(), parser.marks());
  }

  /** Whether it has {@code generation} blocks. */
  public boolean marks() {
    return marks;
  }

  /**
   * Renders the template.
   *
   * @param variables values of {@link String}, {@link Boolean}, {@link Long}, {@link Double},
   *     {@link None}, {@link List} and {@link Map}
   * @param clock what {@code strftime_now} reads
   * @throws FormatException with the line, if the template fails, refuses the variables, or does
   *     more work than any chat needs
   */
  public Result render(Map<String, Object> variables, Clock clock) {
    Map<String, Object> all = new HashMap<>(Globals.functions(clock));
    all.putAll(variables);
    Rendering rendering = new Rendering(source, all);
    try {
      body.render(rendering);
    } catch (ArithmeticException e) {
      throw rendering.error("a number is out of range or divided by zero");
    }
    return rendering.result();
  }
}
