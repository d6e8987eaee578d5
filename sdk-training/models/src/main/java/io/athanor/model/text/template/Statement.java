package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A part of a template that writes text or changes variables. */
@FunctionalInterface
interface Statement {
  /** How the loop around goes on. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow render(Rendering rendering);

  /** One after the other. */
  record Body(List<Statement> parts) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      for (Statement part : parts) {
        Flow flow = part.render(rendering);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    }
  }

  record Text(String text) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.write(text);
      return Flow.NEXT;
    }
  }

  record Output(int line, Expression value) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.at(line);
      rendering.write(new Printer(rendering).text(value.value(rendering)));
      return Flow.NEXT;
    }
  }

  record Branch(int line, Expression condition, Statement body) {}

  record If(List<Branch> branches, Statement otherwise) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      for (Branch branch : branches) {
        rendering.at(branch.line);
        if (Values.isTrue(branch.condition.value(rendering))) {
          return branch.body.render(rendering);
        }
      }
      return otherwise.render(rendering);
    }
  }

  /**
   * @param names one, or several that take the parts of each item
   */
  record For(
      int line,
      List<String> names,
      Expression items,
      @Nullable Expression filter,
      Statement body,
      Statement otherwise)
      implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.at(line);
      List<Object> kept = kept(rendering, Values.items(rendering, items.value(rendering)));
      if (kept.isEmpty()) {
        return rendering.inside(rendering.scope(), Map.of(), otherwise);
      }
      for (int i = 0; i < kept.size(); i++) {
        rendering.at(line);
        Map<String, Object> values = named(rendering, kept.get(i));
        values.put("loop", new Loop(kept, i));
        if (rendering.inside(rendering.scope(), values, body) == Flow.BREAK) {
          break;
        }
      }
      return Flow.NEXT;
    }

    private List<Object> kept(Rendering rendering, List<Object> all) {
      if (filter == null) {
        return all;
      }
      List<Object> kept = new ArrayList<>();
      for (Object item : all) {
        rendering.at(line);
        rendering.inside(
            rendering.scope(),
            named(rendering, item),
            inner -> {
              if (Values.isTrue(filter.value(inner))) {
                kept.add(item);
              }
              return Flow.NEXT;
            });
      }
      return kept;
    }

    private Map<String, Object> named(Rendering rendering, Object item) {
      Map<String, Object> values = new HashMap<>();
      if (names.size() == 1) {
        values.put(names.get(0), item);
        return values;
      }
      List<Object> parts = Values.items(rendering, item);
      if (parts.size() != names.size()) {
        throw rendering.error(
            "expected items of " + names.size() + " parts, got one of " + parts.size());
      }
      for (int i = 0; i < parts.size(); i++) {
        values.put(names.get(i), parts.get(i));
      }
      return values;
    }
  }

  record Jump(Flow flow) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      return flow;
    }
  }

  /**
   * @param attribute of the namespace called {@code name}, or null for a variable
   */
  record Assign(int line, String name, @Nullable String attribute, Expression value)
      implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.at(line);
      Object assigned = value.value(rendering);
      if (attribute == null) {
        rendering.assign(name, assigned);
      } else if (rendering.variable(name) instanceof Namespace namespace) {
        namespace.values().put(attribute, assigned);
      } else {
        throw rendering.error("'" + name + "' is not a namespace, so it has nothing to set");
      }
      return Flow.NEXT;
    }
  }

  /**
   * @param defaults of the last parameters
   */
  record Macro(
      int line, String name, List<String> parameters, List<Expression> defaults, Statement body)
      implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.at(line);
      Rendering.Scope around = rendering.scope();
      rendering.assign(name, (Function) (inner, arguments) -> call(inner, around, arguments));
      return Flow.NEXT;
    }

    private Object call(Rendering rendering, Rendering.Scope around, Arguments arguments) {
      List<Object> bound = arguments.bind(rendering, name, 0, parameters.toArray(String[]::new));
      Map<String, Object> values = new HashMap<>();
      int required = parameters.size() - defaults.size();
      for (int i = 0; i < bound.size(); i++) {
        Object value = bound.get(i);
        boolean missing = value instanceof Undefined && i >= required;
        values.put(
            parameters.get(i), missing ? defaults.get(i - required).value(rendering) : value);
      }
      return rendering.call(name, around, values, body);
    }
  }

  /** The text of an assistant. */
  record Generation(int line, Statement body) implements Statement {
    @Override
    public Flow render(Rendering rendering) {
      rendering.at(line);
      return rendering.mark(body);
    }
  }
}
