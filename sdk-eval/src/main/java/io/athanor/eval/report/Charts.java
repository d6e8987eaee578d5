package io.athanor.eval.report;

import io.athanor.api.eval.Curves;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.Details.CalibrationBin;
import io.athanor.api.eval.Details.Curve;
import io.athanor.api.eval.Details.HistogramBin;
import io.athanor.api.eval.Details.Point;
import io.athanor.eval.metric.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The plots of a report. */
final class Charts {
  private static final int SERIES = 10;
  private static final int HISTORY_POINTS = 400;
  private static final int SMOOTHED_FROM = 100;
  private static final int HEIGHT = 300;
  private static final List<Point> DIAGONAL = List.of(new Point(0, 0), new Point(1, 1));

  private final Markup out;

  Charts(Markup out) {
    this.out = out;
  }

  /** One plot for each kind of number: the part of a curve's name after the last dot. */
  void history(Curves history) {
    Map<String, Map<String, List<Curves.Point>>> byKind = new LinkedHashMap<>();
    history
        .curves()
        .forEach(
            (name, points) -> {
              if (!points.isEmpty()) {
                String kind = name.substring(name.lastIndexOf('.') + 1);
                byKind.computeIfAbsent(kind, k -> new LinkedHashMap<>()).put(name, points);
              }
            });
    byKind.forEach(this::historyOf);
  }

  private void historyOf(String kind, Map<String, List<Curves.Point>> curves) {
    begin("Training: " + kind, "");
    List<Point> all = curves.values().stream().map(Charts::thinned).flatMap(List::stream).toList();
    Axis x = Axis.around("step", all.stream().mapToDouble(Point::x));
    Axis y = Axis.around(kind, all.stream().mapToDouble(Point::y));
    Plot plot =
        Plot.begin(
            out,
            kind + " by training step, of " + String.join(", ", curves.keySet()),
            x,
            y,
            HEIGHT);
    List<String> legend = new ArrayList<>();
    curves.forEach(
        (name, points) -> {
          boolean smooth = points.size() >= SMOOTHED_FROM;
          if (smooth) {
            plot.line(thinned(points), "raw " + series(legend.size()));
          }
          List<Point> line = thinned(smooth ? smoothed(points) : points);
          plot.line(line, series(legend.size()));
          if (points.size() < 40) {
            String css = "mark " + series(legend.size());
            line.forEach(
                p ->
                    plot.dot(
                        p, 2.5, css, name + " " + Numbers.brief(p.y()) + " at " + (long) p.x()));
          }
          Point last = line.get(line.size() - 1);
          legend.add(name + (smooth ? ", smoothed" : "") + ", at last " + Numbers.brief(last.y()));
        });
    plot.end();
    legend(legend);
    out.close();
  }

  /** Each point becomes the mean of itself and its neighbours, a twentieth of the curve. */
  private static List<Curves.Point> smoothed(List<Curves.Point> points) {
    int size = points.size();
    int reach = size / 40;
    double[] sums = new double[size + 1];
    for (int i = 0; i < size; i++) {
      sums[i + 1] = sums[i] + points.get(i).value();
    }
    List<Curves.Point> means = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      int from = Math.max(0, i - reach);
      int to = Math.min(size, i + reach + 1);
      means.add(new Curves.Point(points.get(i).step(), (sums[to] - sums[from]) / (to - from)));
    }
    return means;
  }

  private static List<Point> thinned(List<Curves.Point> points) {
    int shown = Math.min(points.size(), HISTORY_POINTS);
    return IntStream.range(0, shown)
        .map(i -> shown == 1 ? 0 : (int) ((long) i * (points.size() - 1) / (shown - 1)))
        .mapToObj(i -> new Point(points.get(i).step(), points.get(i).value()))
        .toList();
  }

  /** Reliability above, counts below. */
  void calibration(List<CalibrationBin> bins) {
    begin(
        "Calibration",
        "Of rows with this confidence, how many are right? On the dashed line, exactly as many as promised.");
    Plot plot =
        Plot.begin(
            out,
            "Accuracy against confidence in " + bins.size() + " bins",
            Axis.share("confidence"),
            Axis.share("accuracy"),
            HEIGHT);
    plot.line(DIAGONAL, "reference");
    bins.stream()
        .filter(bin -> bin.count() > 0)
        .forEach(
            bin ->
                plot.bar(bin.low(), bin.high(), bin.accuracy(), "bar", tip(bin))
                    .dot(new Point(bin.confidence(), bin.accuracy()), 4, "dot s1", tip(bin)));
    plot.end();
    Plot counts =
        Plot.begin(
            out,
            "Number of rows in each bin of confidence",
            Axis.share("confidence"),
            Axis.around(
                "rows",
                Stream.concat(Stream.of(0L), bins.stream().map(CalibrationBin::count))
                    .mapToDouble(Long::doubleValue)),
            150);
    bins.forEach(
        bin -> counts.bar(bin.low(), bin.high(), (double) bin.count(), "bar quiet", tip(bin)));
    counts.end();
    out.close();
  }

  private static String tip(CalibrationBin bin) {
    return bin.count()
        + " rows, mean confidence "
        + Numbers.brief(bin.confidence())
        + ", accuracy "
        + Numbers.brief(bin.accuracy());
  }

  void roc(List<Curve> curves) {
    curves(
        "ROC curve",
        curves,
        Axis.share("false positive rate"),
        Axis.share("true positive rate"),
        true);
  }

  void precisionRecall(List<Curve> curves) {
    curves("Precision and recall", curves, Axis.share("recall"), Axis.share("precision"), false);
  }

  private void curves(String title, List<Curve> curves, Axis x, Axis y, boolean roc) {
    List<Curve> shown =
        curves.size() <= SERIES
            ? curves
            : curves.stream()
                .sorted(Comparator.comparingDouble((Curve c) -> c.area().orElse(0.0)))
                .limit(SERIES)
                .toList();
    begin(title, curves.size() > SERIES ? "The " + SERIES + " labels of the smallest area." : "");
    Plot plot =
        Plot.begin(out, title + " of " + shown.stream().map(Curve::label).toList(), x, y, HEIGHT);
    if (roc) {
      plot.line(DIAGONAL, "reference");
    }
    List<String> legend = new ArrayList<>();
    for (Curve curve : shown) {
      plot.line(curve.points(), series(legend.size()));
      legend.add(
          curve.label() + curve.area().map(area -> ", area " + Numbers.brief(area)).orElse(""));
    }
    plot.end();
    legend(legend);
    out.close();
  }

  void scatter(Details.Regression details) {
    begin("Predicted against actual", "On the dashed line, exactly right.");
    Axis axis =
        Axis.around(
            "", details.scatter().stream().flatMapToDouble(p -> DoubleStream.of(p.x(), p.y())));
    Plot plot =
        Plot.begin(
            out,
            "Predicted against actual of " + details.scatter().size() + " rows",
            new Axis("actual", axis.low(), axis.high()),
            new Axis("predicted", axis.low(), axis.high()),
            HEIGHT);
    plot.line(
        List.of(new Point(axis.low(), axis.low()), new Point(axis.high(), axis.high())),
        "reference");
    details.scatter().forEach(point -> plot.dot(point, 3, "dot faint s0", ""));
    plot.end();
    out.close();
  }

  void residuals(Details.Regression details) {
    List<HistogramBin> bins = details.residuals();
    begin("Errors", "Predicted minus actual; a good model's bars are narrow and centred on 0.");
    Plot plot =
        Plot.begin(
            out,
            "Histogram of the errors",
            new Axis("error", bins.get(0).low(), bins.get(bins.size() - 1).high()),
            Axis.around(
                "rows",
                Stream.concat(Stream.of(0L), bins.stream().map(HistogramBin::count))
                    .mapToDouble(Long::doubleValue)),
            HEIGHT);
    for (HistogramBin bin : bins) {
      plot.bar(
          bin.low(),
          bin.high(),
          (double) bin.count(),
          "bar",
          bin.count()
              + " rows from "
              + Numbers.brief(bin.low())
              + " to "
              + Numbers.brief(bin.high()));
    }
    plot.end();
    out.close();
  }

  /** Opens the figure; the caller closes it. */
  private void begin(String title, String note) {
    out.open("figure").leaf("figcaption", title);
    if (!note.isEmpty()) {
      out.leaf("p", note, "class", "note");
    }
  }

  private void legend(List<String> entries) {
    out.open("ul", "class", "legend");
    for (int i = 0; i < entries.size(); i++) {
      out.open("li").empty("span", "class", "swatch " + series(i), "aria-hidden", "true");
      out.text(entries.get(i)).close();
    }
    out.close();
  }

  private static String series(int index) {
    return "s" + index % SERIES;
  }
}
