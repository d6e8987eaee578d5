package io.athanor.model.text.template;

import io.athanor.api.error.FormatException;
import io.athanor.model.text.template.Token.Kind;
import java.util.List;

/** The tokens of a template, one after the other, and how deep the parser is in them. */
final class Tokens {
  private static final int MAXIMUM_DEPTH = 100;

  private final String source;
  private final List<Token> tokens;
  private int next;
  private int depth;

  Tokens(String source, List<Token> tokens) {
    this.source = source;
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekSecond() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(next);
    if (token.kind() != Kind.END) {
      next++;
    }
    return token;
  }

  boolean takeOperator(String operator) {
    boolean found = peek().isOperator(operator);
    next += found ? 1 : 0;
    return found;
  }

  boolean takeName(String name) {
    boolean found = peek().isName(name);
    next += found ? 1 : 0;
    return found;
  }

  Token expect(Kind kind, String what) {
    if (peek().kind() != kind) {
      throw error("expected " + what + ", got " + peek().described());
    }
    return take();
  }

  void expectOperator(String operator) {
    if (!takeOperator(operator)) {
      throw error("expected '" + operator + "', got " + peek().described());
    }
  }

  /** Goes one level into an expression or block; {@link #leave} must follow. */
  void enter() {
    if (++depth > MAXIMUM_DEPTH) {
      throw error("the template is nested more than " + MAXIMUM_DEPTH + " levels deep");
    }
  }

  void leave() {
    depth--;
  }

  FormatException error(String problem) {
    return new FormatException(source, peek().line(), null, problem);
  }
}
