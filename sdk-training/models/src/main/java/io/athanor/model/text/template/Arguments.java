package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The values of a call: first those by place, then those by name. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** These arguments after another one. */
  Arguments after(Object first) {
    List<Object> all = new ArrayList<>();
    all.add(first);
    all.addAll(positional);
    return new Arguments(all, named);
  }

  /**
   * Puts the arguments in the order of the parameters; what is missing is {@link Undefined}.
   *
   * @param function named in errors
   * @param required how many of the parameters must be given
   */
  List<Object> bind(Rendering rendering, String function, int required, String... parameters) {
    if (positional.size() > parameters.length) {
      throw rendering.error(
          function
              + " takes at most "
              + parameters.length
              + " arguments, got "
              + positional.size());
    }
    List<Object> bound = new ArrayList<>(positional);
    int byName = 0;
    for (int i = positional.size(); i < parameters.length; i++) {
      Object value = named.get(parameters[i]);
      if (value != null) {
        byName++;
      } else if (i < required) {
        throw rendering.error(function + " needs the argument '" + parameters[i] + "'");
      }
      bound.add(value != null ? value : new Undefined("'" + parameters[i] + "' is not given"));
    }
    if (byName != named.size()) {
      throw rendering.error(function + " does not take all of the arguments " + named.keySet());
    }
    return bound;
  }
}
