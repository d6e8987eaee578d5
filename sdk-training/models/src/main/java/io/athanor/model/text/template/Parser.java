package io.athanor.model.text.template;

import io.athanor.model.text.template.Statement.Flow;
import io.athanor.model.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** Recursive descent through the blocks of a template. */
final class Parser {
  private static final Statement NOTHING = rendering -> Flow.NEXT;

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private boolean marks;
  private int loops;

  Parser(String source, List<Token> all) {
    this.tokens = new Tokens(source, all);
    this.expressions = new ExpressionParser(tokens);
  }

  Statement template() {
    Statement body = body();
    if (tokens.peek().kind() != Kind.END) {
      throw tokens.error("unexpected " + tokens.peekSecond().described());
    }
    return body;
  }

  /** Whether a {@code generation} block was found. */
  boolean marks() {
    return marks;
  }

  /** Everything up to the end, or to a tag that ends or divides the block around. */
  private Statement body(String... ends) {
    tokens.enter();
    List<Statement> parts = new ArrayList<>();
    while (tokens.peek().kind() != Kind.END) {
      Token token = tokens.peek();
      if (token.kind() == Kind.BLOCK_BEGIN
          && tokens.peekSecond().kind() == Kind.NAME
          && List.of(ends).contains(tokens.peekSecond().text())) {
        break;
      }
      tokens.take();
      if (token.kind() == Kind.TEXT) {
        parts.add(new Statement.Text(token.text()));
      } else if (token.kind() == Kind.OUTPUT_BEGIN) {
        parts.add(new Statement.Output(token.line(), expressions.listOrExpression()));
        tokens.expect(Kind.OUTPUT_END, "'}}'");
      } else {
        parts.add(block(token.line()));
      }
    }
    tokens.leave();
    return new Statement.Body(parts);
  }

  private Statement block(int line) {
    String tag = tokens.expect(Kind.NAME, "the name of a tag").text();
    return switch (tag) {
      case "if" -> branches(line);
      case "for" -> loop(line);
      case "set" -> assignment(line);
      case "macro" -> macro(line);
      case "generation" -> generation(line);
      case "break", "continue" -> jump(tag);
      default ->
          throw tokens.error(
              "the tag '"
                  + tag
                  + "' is not known, or does not belong here; chat templates have"
                  + " if, for, set, macro, raw and generation");
    };
  }

  private void endOfTag() {
    tokens.expect(Kind.BLOCK_END, "'%}'");
  }

  /** Takes the beginning of a tag that ends or divides a block. */
  private String end(int line, String... names) {
    if (tokens.peek().kind() != Kind.BLOCK_BEGIN) {
      throw tokens.error(
          "the block of line "
              + line
              + " does not end; expected '"
              + names[names.length - 1]
              + "'");
    }
    tokens.take();
    return tokens.take().text();
  }

  private Statement branches(int line) {
    List<Statement.Branch> branches = new ArrayList<>();
    Statement otherwise = NOTHING;
    String tag = "elif";
    int at = line;
    while (tag.equals("elif")) {
      Expression condition = expressions.listOrExpression();
      endOfTag();
      branches.add(new Statement.Branch(at, condition, body("elif", "else", "endif")));
      at = tokens.peek().line();
      tag = end(line, "elif", "else", "endif");
    }
    if (tag.equals("else")) {
      endOfTag();
      otherwise = body("endif");
      end(line, "endif");
    }
    endOfTag();
    return new Statement.If(List.copyOf(branches), otherwise);
  }

  private Statement loop(int line) {
    List<String> names = new ArrayList<>();
    boolean bracket = tokens.takeOperator("(");
    do {
      names.add(tokens.expect(Kind.NAME, "the name of the loop's variable").text());
    } while (tokens.takeOperator(","));
    if (bracket) {
      tokens.expectOperator(")");
    }
    if (!tokens.takeName("in")) {
      throw tokens.error("expected 'in', got " + tokens.peek().described());
    }
    Expression items = expressions.withoutCondition();
    Expression filter = tokens.takeName("if") ? expressions.expression() : null;
    endOfTag();
    loops++;
    Statement body = body("else", "endfor");
    loops--;
    Statement otherwise = NOTHING;
    if (end(line, "else", "endfor").equals("else")) {
      endOfTag();
      otherwise = body("endfor");
      end(line, "endfor");
    }
    endOfTag();
    return new Statement.For(line, List.copyOf(names), items, filter, body, otherwise);
  }

  private Statement jump(String tag) {
    if (loops == 0) {
      throw tokens.error("'" + tag + "' is not inside a loop");
    }
    endOfTag();
    return new Statement.Jump(tag.equals("break") ? Flow.BREAK : Flow.CONTINUE);
  }

  private Statement assignment(int line) {
    String name = tokens.expect(Kind.NAME, "the name of a variable").text();
    String attribute =
        tokens.takeOperator(".") ? tokens.expect(Kind.NAME, "a name after the dot").text() : null;
    if (tokens.takeOperator("=")) {
      Expression value = expressions.listOrExpression();
      endOfTag();
      return new Statement.Assign(line, name, attribute, value);
    }
    endOfTag();
    Statement body = withoutLoop("endset");
    end(line, "endset");
    endOfTag();
    return new Statement.Assign(line, name, attribute, rendering -> rendering.capture(body));
  }

  /** A body that cannot leave a loop around it. */
  private Statement withoutLoop(String end) {
    int outer = loops;
    loops = 0;
    Statement body = body(end);
    loops = outer;
    return body;
  }

  private Statement macro(int line) {
    String name = tokens.expect(Kind.NAME, "the name of a macro").text();
    tokens.expectOperator("(");
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    while (!tokens.takeOperator(")")) {
      parameters.add(tokens.expect(Kind.NAME, "the name of a parameter").text());
      if (tokens.takeOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw tokens.error("a parameter without default follows one with a default");
      }
      if (!tokens.peek().isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    endOfTag();
    Statement body = withoutLoop("endmacro");
    end(line, "endmacro");
    endOfTag();
    return new Statement.Macro(line, name, List.copyOf(parameters), List.copyOf(defaults), body);
  }

  private Statement generation(int line) {
    endOfTag();
    marks = true;
    Statement body = withoutLoop("endgeneration");
    end(line, "endgeneration");
    endOfTag();
    return new Statement.Generation(line, body);
  }
}
