package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.List;

/** The operators that calculate, as Python does; whole numbers are of 64 bits. */
final class Arithmetic {
  private Arithmetic() {}

  static Object calculate(Rendering rendering, String operator, Object left, Object right) {
    if (operator.equals("~")) {
      return joined(
          rendering, new Printer(rendering).text(left), new Printer(rendering).text(right));
    }
    if (operator.equals("+")) {
      if (left instanceof String a && right instanceof String b) {
        return joined(rendering, a, b);
      }
      if (left instanceof List<?> a && right instanceof List<?> b) {
        rendering.spendOnList((long) a.size() + b.size());
        List<Object> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
      }
    }
    if (operator.equals("*") && left instanceof String text && right instanceof Long times) {
      long count = Math.max(0, times);
      rendering.spend(Math.multiplyExact(text.length() + 1L, count));
      return text.repeat(Math.toIntExact(count));
    }
    return left instanceof Double || right instanceof Double || operator.equals("/")
        ? real(rendering, operator, real(rendering, left), real(rendering, right))
        : whole(operator, Values.integer(rendering, left), Values.integer(rendering, right));
  }

  private static String joined(Rendering rendering, String left, String right) {
    rendering.spend((long) left.length() + right.length());
    return left + right;
  }

  static double real(Rendering rendering, Object value) {
    return value instanceof Double number ? number : Values.integer(rendering, value);
  }

  private static Object whole(String operator, long left, long right) {
    return switch (operator) {
      case "+" -> Math.addExact(left, right);
      case "-" -> Math.subtractExact(left, right);
      case "*" -> Math.multiplyExact(left, right);
      case "//" -> Math.floorDiv(left, right);
      case "%" -> Math.floorMod(left, right);
      default -> power(left, right);
    };
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow((double) base, (double) exponent);
    }
    if (base >= -1 && base <= 1) {
      return exponent == 0 || (exponent % 2 == 0 && base == -1) ? 1L : base;
    }
    long product = 1;
    for (long i = 0; i < exponent; i++) {
      product = Math.multiplyExact(product, base);
    }
    return product;
  }

  private static Object real(Rendering rendering, String operator, double left, double right) {
    if (right == 0 && !operator.equals("+") && !operator.equals("-") && !operator.equals("*")) {
      throw rendering.error("division by zero");
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      case "//" -> Math.floor(left / right);
      case "%" -> left - right * Math.floor(left / right);
      default -> Math.pow(left, right);
    };
  }
}
