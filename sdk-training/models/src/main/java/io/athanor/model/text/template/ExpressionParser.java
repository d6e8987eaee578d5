package io.athanor.model.text.template;

import io.athanor.model.text.template.Expression.ArgumentList;
import io.athanor.model.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Recursive descent through the expressions of Jinja, in its order of precedence. */
final class ExpressionParser {
  private static final List<String> COMPARISONS = List.of("==", "!=", "<", "<=", ">", ">=");

  /** Operators in a row, each of which is one level of the expression's tree. */
  private static final int MAXIMUM_CHAIN = 500;

  private final Tokens tokens;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  /** An expression, or several with commas between them, which make a list. */
  Expression listOrExpression() {
    Expression first = expression();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.takeOperator(",") && startsExpression()) {
      parts.add(expression());
    }
    return new Expression.ListOf(parts);
  }

  private boolean startsExpression() {
    Kind kind = tokens.peek().kind();
    return kind != Kind.BLOCK_END && kind != Kind.OUTPUT_END && !tokens.peek().isOperator(")");
  }

  Expression expression() {
    tokens.enter();
    Expression value = or();
    int chain = 0;
    while (tokens.takeName("if")) {
      checkChain(++chain);
      Expression condition = or();
      Expression otherwise =
          tokens.takeName("else")
              ? expression()
              : new Expression.Literal(new Undefined("the condition has no else"));
      value = new Expression.Conditional(condition, value, otherwise);
    }
    tokens.leave();
    return value;
  }

  /** What a loop goes through, which ends before an {@code if}. */
  Expression withoutCondition() {
    Expression first = or();
    return tokens.peek().isOperator(",") ? rest(first) : first;
  }

  private Expression rest(Expression first) {
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.takeOperator(",")) {
      parts.add(or());
    }
    return new Expression.ListOf(parts);
  }

  private Expression or() {
    Expression left = and();
    for (int chain = 0; tokens.takeName("or"); checkChain(++chain)) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    for (int chain = 0; tokens.takeName("and"); checkChain(++chain)) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.takeName("not")) {
      return comparison();
    }
    tokens.enter();
    Expression operand = not();
    tokens.leave();
    return new Expression.Not(operand);
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.take().text());
      } else if (tokens.takeName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.peekSecond().isName("in")) {
        tokens.take();
        tokens.take();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Expression.Comparison(first, operators, others);
      }
      others.add(sum());
    }
  }

  private Expression sum() {
    return calculation(List.of("+", "-"), this::concatenation);
  }

  private Expression concatenation() {
    return calculation(List.of("~"), this::product);
  }

  private Expression product() {
    return calculation(List.of("*", "/", "//", "%"), this::power);
  }

  private Expression power() {
    return calculation(List.of("**"), () -> signed(true));
  }

  private Expression calculation(List<String> operators, Supplier<Expression> operand) {
    Expression left = operand.get();
    int chain = 0;
    while (tokens.peek().kind() == Kind.OPERATOR && operators.contains(tokens.peek().text())) {
      checkChain(++chain);
      String operator = tokens.take().text();
      left = new Expression.Calculation(operator, left, operand.get());
    }
    return left;
  }

  private void checkChain(int length) {
    if (length > MAXIMUM_CHAIN) {
      throw tokens.error("more than " + MAXIMUM_CHAIN + " operators in a row");
    }
  }

  private Expression signed(boolean filtered) {
    boolean minus = tokens.peek().isOperator("-");
    Expression value;
    if (minus || tokens.peek().isOperator("+")) {
      tokens.take();
      tokens.enter();
      Expression zero = new Expression.Literal(0L);
      value = new Expression.Calculation(minus ? "-" : "+", zero, signed(false));
      tokens.leave();
    } else {
      value = postfix(primary());
    }
    return filtered ? filters(value) : value;
  }

  private Expression primary() {
    Token token = tokens.take();
    return switch (token.kind()) {
      case STRING -> new Expression.Literal(strings(token));
      case INTEGER -> new Expression.Literal(integer(token.text()));
      case FLOAT -> new Expression.Literal(Double.valueOf(token.text()));
      case NAME -> named(token.text());
      default -> bracket(token);
    };
  }

  /** A string, and those that follow it directly. */
  private String strings(Token first) {
    StringBuilder text = new StringBuilder(first.text());
    while (tokens.peek().kind() == Kind.STRING) {
      text.append(tokens.take().text());
    }
    return text.toString();
  }

  private static Expression named(String name) {
    return switch (name) {
      case "true", "True" -> new Expression.Literal(true);
      case "false", "False" -> new Expression.Literal(false);
      case "none", "None" -> new Expression.Literal(None.NONE);
      default -> new Expression.Variable(name);
    };
  }

  private Expression bracket(Token token) {
    if (token.isOperator("(")) {
      return parenthesis();
    }
    if (token.isOperator("[")) {
      return new Expression.ListOf(until("]"));
    }
    if (token.isOperator("{")) {
      return mapping();
    }
    throw tokens.error("expected a value, got " + token.described());
  }

  private Long integer(String digits) {
    try {
      return Long.valueOf(digits);
    } catch (NumberFormatException e) {
      throw tokens.error("the number " + digits + " is too large");
    }
  }

  private Expression parenthesis() {
    if (tokens.takeOperator(")")) {
      return new Expression.ListOf(List.of());
    }
    Expression inner = listOrExpression();
    tokens.expectOperator(")");
    return inner;
  }

  private List<Expression> until(String end) {
    List<Expression> parts = new ArrayList<>();
    while (!tokens.takeOperator(end)) {
      parts.add(expression());
      if (!tokens.peek().isOperator(end)) {
        tokens.expectOperator(",");
      }
    }
    return parts;
  }

  private Expression mapping() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.takeOperator("}")) {
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
      if (!tokens.peek().isOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Expression.MapOf(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    for (int chain = 0; ; checkChain(++chain)) {
      if (tokens.takeOperator(".")) {
        Token name = tokens.take();
        if (name.kind() == Kind.INTEGER) {
          value = new Expression.Item(value, new Expression.Literal(integer(name.text())));
        } else if (name.kind() == Kind.NAME) {
          value = new Expression.Attribute(value, name.text());
        } else {
          throw tokens.error("expected a name after the dot, got " + name.described());
        }
      } else if (tokens.takeOperator("[")) {
        value = subscript(value);
      } else if (tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression target) {
    Expression start = tokens.peek().isOperator(":") ? null : expression();
    if (start != null && tokens.takeOperator("]")) {
      return new Expression.Item(target, start);
    }
    tokens.expectOperator(":");
    Expression stop = sliceEnd();
    Expression step = tokens.takeOperator(":") ? sliceEnd() : null;
    tokens.expectOperator("]");
    return new Expression.Slice(target, start, stop, step);
  }

  private @Nullable Expression sliceEnd() {
    boolean none = tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
    return none ? null : expression();
  }

  private ArgumentList arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.takeOperator(")")) {
      if (tokens.peek().kind() == Kind.NAME && tokens.peekSecond().isOperator("=")) {
        String name = tokens.take().text();
        tokens.take();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw tokens.error("an argument without a name follows one with a name");
      }
      if (!tokens.peek().isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new ArgumentList(positional, named);
  }

  private Expression filters(Expression start) {
    Expression value = start;
    for (int chain = 0; ; checkChain(++chain)) {
      if (tokens.takeOperator("|")) {
        String name = tokens.expect(Kind.NAME, "the name of a filter").text();
        Function filter = Filters.named(name);
        if (filter == null) {
          throw tokens.error("the filter '" + name + "' is not known");
        }
        value = new Expression.Applied(value, filter, optionalArguments());
      } else if (tokens.takeName("is")) {
        value = test(value);
      } else if (chain > 0 && tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private ArgumentList optionalArguments() {
    return tokens.peek().isOperator("(") ? arguments() : new ArgumentList(List.of(), Map.of());
  }

  private Expression test(Expression value) {
    boolean negated = tokens.takeName("not");
    Token name = tokens.expect(Kind.NAME, "the name of a test");
    Function test = Tests.ALL.get(name.text());
    if (test == null) {
      throw tokens.error("the test '" + name.text() + "' is not known");
    }
    ArgumentList arguments = optionalArguments();
    if (arguments.positional().isEmpty() && startsOperand()) {
      arguments = new ArgumentList(List.of(postfix(primary())), Map.of());
    }
    Expression tested = new Expression.Applied(value, test, arguments);
    return negated ? new Expression.Not(tested) : tested;
  }

  /** Whether an argument without parentheses follows a test. */
  private boolean startsOperand() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !List.of("else", "or", "and", "is", "if", "in", "not").contains(token.text());
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }
}
