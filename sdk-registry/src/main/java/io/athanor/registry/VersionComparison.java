package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Two versions side by side.
 *
 * @param first the one
 * @param second the other
 * @param metrics every metric of either, by name
 */
public record VersionComparison(ModelVersion first, ModelVersion second, List<Line> metrics) {
  public VersionComparison {
    metrics = List.copyOf(metrics);
  }

  /**
   * One metric.
   *
   * @param metric its name
   * @param first absent where the first version does not have it
   * @param second absent where the second version does not have it
   */
  public record Line(String metric, Optional<Double> first, Optional<Double> second) {
    /** Second minus first, where both have it. */
    public Optional<Double> difference() {
      return first.flatMap(a -> second.map(b -> b - a));
    }
  }

  static VersionComparison of(ModelVersion first, ModelVersion second) {
    TreeSet<String> names = new TreeSet<>(first.metrics().keySet());
    names.addAll(second.metrics().keySet());
    List<Line> lines =
        names.stream()
            .map(
                name ->
                    new Line(
                        name,
                        Optional.ofNullable(first.metrics().get(name)),
                        Optional.ofNullable(second.metrics().get(name))))
            .toList();
    return new VersionComparison(first, second, lines);
  }

  /**
   * A property in words.
   *
   * @param name of the property
   * @param first of the first version; {@code "-"} where it has none
   * @param second of the second version, likewise
   */
  public record Fact(String name, String first, String second) {
    /** Whether both versions have the same. */
    public boolean same() {
      return first.equals(second);
    }
  }

  /** What both are, and what is said of them. */
  public List<Fact> facts() {
    List<Fact> facts = new ArrayList<>();
    fact(facts, "type", v -> v.facts().type().name());
    fact(facts, "task", v -> text(v.facts().task()));
    fact(facts, "architecture", v -> text(v.facts().architecture()));
    fact(facts, "backend", v -> text(v.facts().backend()));
    fact(facts, "precision", v -> text(v.facts().precision()));
    fact(facts, "parameters", v -> number(v.facts().parameters()));
    fact(facts, "context length", v -> number(v.facts().contextLength()));
    fact(facts, "semantic version", v -> text(v.semanticVersion()));
    fact(facts, "kind", v -> v.kind().name());
    fact(facts, "parent", v -> text(v.parent()));
    fact(facts, "state", v -> v.state().name());
    fact(facts, "verdict", v -> v.verdict().name());
    fact(facts, "licence", v -> text(v.notes().licence()));
    fact(facts, "specialisation", v -> text(v.notes().specialisation()));
    fact(facts, "weights", v -> text(v.facts().weights().map(Digest::brief)));
    TreeSet<String> tags = new TreeSet<>(first.notes().tags().keySet());
    tags.addAll(second.notes().tags().keySet());
    for (String tag : tags) {
      fact(facts, "tag " + tag, v -> v.notes().tags().getOrDefault(tag, "-"));
    }
    return facts;
  }

  private void fact(List<Fact> facts, String name, Function<ModelVersion, String> of) {
    facts.add(new Fact(name, of.apply(first), of.apply(second)));
  }

  private static String text(Optional<?> value) {
    return value.map(Object::toString).orElse("-");
  }

  private static String number(OptionalLong value) {
    return value.isPresent() ? Long.toString(value.getAsLong()) : "-";
  }

  private static String number(OptionalInt value) {
    return value.isPresent() ? Integer.toString(value.getAsInt()) : "-";
  }

  /** A table for people; facts that neither has are left out. */
  @Override
  public String toString() {
    int width = metrics.stream().mapToInt(line -> line.metric().length()).max().orElse(0);
    String format = "%-" + Math.max(width, 12) + "s  %20s  %20s  %12s%n";
    StringBuilder table = new StringBuilder();
    row(table, format, "", first.id().toString(), second.id().toString(), "difference");
    for (Fact fact : facts()) {
      if (!fact.first().equals("-") || !fact.second().equals("-")) {
        row(table, format, fact.name(), fact.first(), fact.second(), fact.same() ? "" : "differs");
      }
    }
    row(table, format, "bytes", first.bytes(), second.bytes(), second.bytes() - first.bytes());
    for (Line line : metrics) {
      row(
          table,
          format,
          line.metric(),
          number("%.6g", line.first()),
          number("%.6g", line.second()),
          number("%+.4g", line.difference()));
    }
    return table.toString();
  }

  private static void row(StringBuilder table, String format, Object... cells) {
    table.append(String.format(Locale.ROOT, format, cells).stripTrailing()).append('\n');
  }

  private static String number(String format, Optional<Double> value) {

    return value.map(number -> String.format(Locale.ROOT, format, number)).orElse("-");
  }
}
