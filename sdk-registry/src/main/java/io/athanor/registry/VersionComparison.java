package io.athanor.registry;

import io.athanor.api.registry.ModelVersion;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;

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

  /** A table for people. */
  @Override
  public String toString() {
    int width = metrics.stream().mapToInt(line -> line.metric().length()).max().orElse(0);
    String format = "%-" + Math.max(width, 12) + "s  %20s  %20s  %12s%n";
    StringBuilder table = new StringBuilder();
    row(table, format, "", first.id().toString(), second.id().toString(), "difference");
    row(
        table,
        format,
        "architecture",
        first.facts().architecture().orElse("-"),
        second.facts().architecture().orElse("-"),
        "");
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
