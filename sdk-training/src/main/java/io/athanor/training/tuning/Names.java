package io.athanor.training.tuning;

import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.training.plan.Spelling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How names stand for layers and parameters. */
public final class Names {
  static final String WEIGHT = ".weight";
  private static final int MOST = 12;

  private Names() {}

  /** The layer of a weight. */
  public static String layer(String weight) {
    return weight.endsWith(WEIGHT)
        ? weight.substring(0, weight.length() - WEIGHT.length())
        : weight;
  }

  /** Whether a name is a layer's whole name, or its end after a dot. */
  static boolean fits(String name, String layer) {
    return ("." + layer).endsWith("." + name);
  }

  /** Whether a parameter belongs to a layer that one of these names fits, or to one inside it. */
  public static boolean within(Collection<String> names, String parameter) {
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
        problems.add("no parameter fits " + others(pattern, groups(all), all));
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("tuning", problems);
    }
    return name -> compiled.stream().anyMatch(regex -> regex.matcher(name).matches());
  }

  /** Patterns for the parameters of each layer, and of each block of layers. */
  private static Set<String> groups(Collection<String> parameters) {
    Set<String> groups = new LinkedHashSet<>();
    for (String parameter : parameters) {
      for (int dot = parameter.indexOf('.'); dot >= 0; dot = parameter.indexOf('.', dot + 1)) {
        groups.add(parameter.substring(0, dot) + ".*");
      }
    }
    return groups;
  }

  /** The ends of layers' names, each once. */
  static Set<String> ends(Collection<String> layers) {
    Set<String> ends = new LinkedHashSet<>();
    layers.forEach(layer -> ends.add(layer.substring(layer.lastIndexOf('.') + 1)));
    return ends;
  }

  /**
   * A name that fits nothing, and what there is, for errors.
   *
   * @param near names that may have been meant
   */
  static String others(String name, Collection<String> near, Collection<String> known) {
    String meant =
        Spelling.closest(name, near).map(other -> " (did you mean '" + other + "'?)").orElse("");
    return "'" + name + "'" + meant + "; there are " + some(known);
  }

  /** The first few names, for errors. */
  public static String some(Collection<String> names) {
    String first = names.stream().limit(MOST).collect(Collectors.joining(", "));
    int more = names.size() - MOST;
    return names.isEmpty() ? "none" : first + (more > 0 ? " and " + more + " more" : "");
  }
}
