package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A part of a template that has a value. */
@FunctionalInterface
interface Expression {
  Object value(Rendering rendering);

  record Literal(Object literal) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      return literal;
    }
  }

  record Variable(String name) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      return rendering.variable(name);
    }
  }

  record ListOf(List<Expression> parts) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.spendOnList(parts.size());
      List<Object> values = new ArrayList<>(parts.size());
      for (Expression part : parts) {
        values.add(part.value(rendering));
      }
      return values;
    }
  }

  record MapOf(List<Expression> keys, List<Expression> entries) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.spendOnList(2L * keys.size());
      Map<Object, Object> values = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        values.put(keys.get(i).value(rendering), entries.get(i).value(rendering));
      }
      return values;
    }
  }

  record Attribute(Expression target, String name) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object of = target.value(rendering);
      Object found = Methods.attribute(of, name);
      return found != null ? found : Values.entry(rendering, of, name);
    }
  }

  record Item(Expression target, Expression key) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object of = target.value(rendering);
      return Values.entry(rendering, of, key.value(rendering));
    }
  }

  record Slice(
      Expression target,
      @Nullable Expression start,
      @Nullable Expression stop,
      @Nullable Expression step)
      implements Expression {
    @Override
    public Object value(Rendering rendering) {
      return Values.slice(
          rendering,
          target.value(rendering),
          number(rendering, start),
          number(rendering, stop),
          number(rendering, step));
    }

    private static @Nullable Long number(Rendering rendering, @Nullable Expression part) {
      Object value = part == null ? None.NONE : part.value(rendering);
      return value == None.NONE ? null : (Long) Values.integer(rendering, value);
    }
  }

  record Call(Expression target, ArgumentList arguments) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object called = target.value(rendering);
      if (called instanceof Function function) {
        return function.call(rendering, arguments.values(rendering));
      }
      throw rendering.error(
          called instanceof Undefined undefined
              ? undefined.problem()
              : Values.kind(called) + " cannot be called");
    }
  }

  record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    Arguments values(Rendering rendering) {
      List<Object> values = new ArrayList<>();
      for (Expression part : positional) {
        values.add(part.value(rendering));
      }
      Map<String, Object> byName = new LinkedHashMap<>();
      named.forEach((name, part) -> byName.put(name, part.value(rendering)));
      return new Arguments(values, byName);
    }
  }

  /** A filter or a test, which take the value before them as first argument. */
  record Applied(Expression target, Function function, ArgumentList arguments)
      implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object first = target.value(rendering);
      return function.call(rendering, arguments.values(rendering).after(first));
    }
  }

  record Not(Expression operand) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      return !Values.isTrue(operand.value(rendering));
    }
  }

  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      Object first = left.value(rendering);
      return Values.isTrue(first) ? right.value(rendering) : first;
    }
  }

  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      Object first = left.value(rendering);
      return Values.isTrue(first) ? first : right.value(rendering);
    }
  }

  record Conditional(Expression condition, Expression yes, Expression no) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      return (Values.isTrue(condition.value(rendering)) ? yes : no).value(rendering);
    }
  }

  record Calculation(String operator, Expression left, Expression right) implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object a = left.value(rendering);
      return Arithmetic.calculate(rendering, operator, a, right.value(rendering));
    }
  }

  /** A chain such as {@code a < b < c}: each neighbours compared, until one does not hold. */
  record Comparison(Expression first, List<String> operators, List<Expression> others)
      implements Expression {
    @Override
    public Object value(Rendering rendering) {
      rendering.step();
      Object left = first.value(rendering);
      for (int i = 0; i < operators.size(); i++) {
        Object right = others.get(i).value(rendering);
        if (!Values.compare(rendering, operators.get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }
  }
}
