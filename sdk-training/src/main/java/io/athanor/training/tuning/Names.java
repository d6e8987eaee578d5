package io.athanor.training.tuning;

import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How names stand for layers and parameters. */
final class Names {
  static final String WEIGHT = ".weight";
  private static final int MOST = 12;

  private Names() {}

  /** The layer of a weight. */
  static String layer(String weight) {
    return weight.endsWith(WEIGHT)
        ? weight.substring(0, weight.length() - WEIGHT.length())
        : weight;
  }

  /** Whether a name is a layer's whole name, or its end after a dot. */
  static boolean fits(String name, String layer) {
    return ("." + layer).endsWith("." + name);
  }

  /** Whether a parameter belongs to a layer that one of these names fits, or to one inside it. */
  static boolean within(Collection<String> names, String parameter) {
    return names.stream().anyMatch(name -> ("." + parameter).contains("." + name + "."));
  }

  /**
   * The parameters that a pattern stands for, in which {@code *} is any text.
   *
   * @throws ValidationException if a pattern fits none
   */
  static Predicate<String> matching(List<String> patterns, Graph graph) {
    List<Pattern> compiled = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    List<String> all = graph.parameters().stream().map(Parameter::name).toList();
    for (String pattern : patterns) {
      Pattern regex =
          Pattern.compile(
              Arrays.stream(pattern.split("\\*", -1))
                  .map(Pattern::quote)
                  .collect(Collectors.joining(".*")));
      compiled.add(regex);
      if (all.stream().noneMatch(name -> regex.matcher(name).matches())) {
        problems.add("no parameter fits '" + pattern + "'; there are " + some(all));
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("tuning", problems);
    }
    return name -> compiled.stream().anyMatch(regex -> regex.matcher(name).matches());
  }

  /** The first few names, for errors. */
  static String some(Collection<String> names) {
    String first = names.stream().limit(MOST).collect(Collectors.joining(", "));
    int more = names.size() - MOST;
    return names.isEmpty() ? "none" : first + (more > 0 ? " and " + more + " more" : "");
  }
}
