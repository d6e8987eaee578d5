package io.athanor.api.graph;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A graph as a table: a row for each input and operation, then the totals. A parameter that several
 * operations share counts where it is used first. Sizes are those of 32-bit floats.
 *
 * @param name the graph's name
 * @param rows inputs first, then operations in order
 * @param trained number of elements the optimizer updates
 * @param frozen number of elements that stay as they are
 * @param statistics number of elements that forward passes update
 */
public record GraphSummary(
    String name, List<Row> rows, long trained, long frozen, long statistics) {
  /**
   * One line of the table.
   *
   * @param layer name of the value
   * @param type kind of operation
   * @param shape of the result
   * @param parameters number of elements
   * @param from names of the values it reads
   */
  public record Row(String layer, String type, String shape, long parameters, List<String> from) {
    public Row {
      from = List.copyOf(from);
    }
  }

  public GraphSummary {
    rows = List.copyOf(rows);
  }

  public static GraphSummary of(Graph graph) {
    List<Row> rows = new ArrayList<>();
    for (Input input : graph.inputs()) {
      String type = input.role() == Input.Role.TARGET ? "Target" : "Input";
      rows.add(new Row(input.name(), type, input.type().shape().toString(), 0, List.of()));
    }
    Set<String> counted = new HashSet<>();
    for (Node node : graph.nodes()) {
      long parameters = 0;
      for (String parameter : node.op().parameters()) {
        if (counted.add(parameter)) {
          parameters += graph.parameter(parameter).shape().elements();
        }
      }
      rows.add(
          new Row(
              node.name(),
              node.op().getClass().getSimpleName(),
              node.type().shape().toString(),
              parameters,
              node.inputs()));
    }
    return new GraphSummary(
        graph.name(),
        rows,
        count(graph, Parameter.Role.TRAINED),
        count(graph, Parameter.Role.FROZEN),
        count(graph, Parameter.Role.STATISTIC));
  }

  private static long count(Graph graph, Parameter.Role role) {
    return graph.parameters().stream()
        .filter(p -> p.role() == role)
        .mapToLong(p -> p.shape().elements())
        .sum();
  }

  /** The number of elements of all parameters. */
  public long total() {
    return trained + frozen + statistics;
  }

  /** The table as text, as wide as its content. */
  @Override
  public String toString() {
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("Layer (type)", "Output shape", "Parameters", "Connected to"));
    for (Row row : rows) {
      cells.add(
          List.of(
              row.layer() + " (" + row.type() + ")",
              row.shape(),
              String.format(Locale.ROOT, "%,d", row.parameters()),
              String.join(", ", row.from())));
    }
    int[] widths =
        IntStream.range(0, 4)
            .map(c -> cells.stream().mapToInt(line -> line.get(c).length()).max().orElse(0))
            .toArray();
    StringBuilder text = new StringBuilder("Model: ").append(name).append('\n');
    String rule = "=".repeat(IntStream.of(widths).sum() + 6) + "\n";
    for (List<String> line : cells) {
      text.append(line(line, widths)).append('\n');
      text.append(line == cells.get(0) ? rule : "");
    }
    text.append(rule);
    total(text, "Total parameters:     ", total());
    total(text, "Trained parameters:   ", trained);
    total(text, "Frozen parameters:    ", frozen);
    total(text, "Statistics:           ", statistics);
    return text.toString();
  }

  private static String line(List<String> cells, int[] widths) {
    String left = "%-" + widths[0] + "s  %-" + widths[1] + "s  ";
    String format = left + "%" + widths[2] + "s  %s";
    return String.format(Locale.ROOT, format, cells.toArray()).stripTrailing();
  }

  private static void total(StringBuilder text, String label, long elements) {
    double mebibytes = elements * (double) Float.BYTES / (1 << 20);
    text.append(label).append(String.format(Locale.ROOT, "%,d (%.2f MiB)\n", elements, mebibytes));
  }
}
