package io.athanor.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Times several sides in turn within one JVM, round by round, so that what else runs on the machine
 * meets all alike. All begin with the same weights, and must agree on the first loss. Prints
 * Markdown tables: medians, and how many times as fast each side is as the last one. Arguments:
 * rounds, threads, sides with commas between them, names of workloads.
 */
public final class SideBySide {
  private static final double LOSS_TOLERANCE = 1e-3;
  private static final int STEPS = 5;

  private final int rounds;
  private final int threads;
  private final List<Side> sides;
  private final Stopwatch stopwatch;
  private final List<String> agreement = new ArrayList<>();

  private SideBySide(int rounds, int threads, List<Side> sides) {
    this.rounds = rounds;
    this.threads = threads;
    this.sides = sides;
    this.stopwatch = new Stopwatch(threads);
  }

  /** Runs the named workloads; all if none is named. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 30;
    int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
    String sides = arguments.length > 2 ? arguments[2] : "ATHANOR_DJL,DJL";
    List<Workload> workloads =
        arguments.length > 3
            ? Arrays.stream(arguments).skip(3).map(Workload::valueOf).toList()
            : List.of(Workload.values());
    new SideBySide(rounds, threads, Arrays.stream(sides.split(",")).map(Side::valueOf).toList())
        .run(workloads);
  }

  private void run(List<Workload> workloads) {
    List<Side> faster = sides.subList(0, sides.size() - 1);
    print("rounds %d, threads %d%n%n", rounds, threads);
    print(
        "| net | call | %s | %s |%n",
        cells(sides, side -> side + ", us"), cells(faster, side -> side + " (quartiles)"));
    print("|---|---|%s%n", "---|".repeat(sides.size() + faster.size()));
    workloads.forEach(this::compare);
    print("%n| net | side | parameters | loss of step 1 | of step %d |%n", STEPS);
    print("|---|---|---|---|---|%n");
    agreement.forEach(line -> print("%s%n", line));
    print("%n(sum of results %s)%n", stopwatch.sink());
  }

  private void compare(Workload workload) {
    List<Contender> contenders = new ArrayList<>();
    try {
      for (Side side : sides) {
        contenders.add(side.open(workload, threads));
      }
      agree(workload, contenders);
      row(workload, "step", contenders, Contender::step);
      row(workload, "predict", contenders, Contender::predict);
    } finally {
      contenders.forEach(Contender::close);
    }
  }

  private void agree(Workload workload, List<Contender> contenders) {
    double expected = Double.NaN;
    for (int i = 0; i < sides.size(); i++) {
      Contender contender = contenders.get(i);
      double first = contender.step();
      double last =
          IntStream.range(1, STEPS).mapToDouble(s -> contender.step()).reduce(0, (a, b) -> b);
      agreement.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %d | %.6f | %.6f |",
              workload,
              sides.get(i),
              contender.parameters(),
              first,
              last));
      if (Math.abs(first - expected) > LOSS_TOLERANCE) {
        throw new IllegalStateException("not the same work: " + agreement);
      }
      expected = first;
    }
  }

  private void row(
      Workload workload,
      String call,
      List<Contender> contenders,
      ToDoubleFunction<Contender> action) {
    int count = contenders.size();
    int[] calls =
        contenders.stream()
            .mapToInt(contender -> stopwatch.calls(() -> action.applyAsDouble(contender)))
            .toArray();
    double[][] times = new double[count][rounds];
    for (int i = 0; i < rounds; i++) {
      for (int c = 0; c < count; c++) {
        Contender contender = contenders.get(c);
        times[c][i] = stopwatch.microseconds(() -> action.applyAsDouble(contender), calls[c]);
      }
    }
    print(
        "| %s | %s | %s | %s |%n",
        workload,
        call,
        cells(Arrays.asList(times), SideBySide::median),
        cells(Arrays.asList(times).subList(0, count - 1), of -> ratio(of, times[count - 1])));
  }

  private static String median(double[] times) {
    return String.format(
        Locale.ROOT, "%.1f ± %.1f", Quantiles.of(times, 0.5), Quantiles.deviation(times));
  }

  private static String ratio(double[] of, double[] to) {
    double[] ratio = IntStream.range(0, of.length).mapToDouble(i -> to[i] / of[i]).toArray();
    return String.format(
        Locale.ROOT,
        "**%.2f** (%.2f to %.2f)",
        Quantiles.of(ratio, 0.5),
        Quantiles.of(ratio, 0.25),
        Quantiles.of(ratio, 0.75));
  }

  private static <T> String cells(List<T> of, Function<T, String> cell) {
    return of.stream().map(cell).collect(Collectors.joining(" | "));
  }

  private static void print(String format, Object... arguments) {
    System.out.printf(Locale.ROOT, format, arguments);
  }
}
