package io.athanor.eval.report;

import io.athanor.api.eval.Details.ConfusionMatrix;
import io.athanor.eval.metric.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The confusion matrix as a heat map, or as a list of confusions where there are many labels. */
final class ConfusionChart {
  private static final int MOST_LABELS = 40;
  private static final int MOST_NUMBERED = 16;
  private static final int LISTED = 20;
  private static final int SIZE = 420;
  private static final int LABEL_LENGTH = 12;

  private final Markup out;
  private final ConfusionMatrix matrix;
  private final int size;

  ConfusionChart(Markup out, ConfusionMatrix matrix) {
    this.out = out;
    this.matrix = matrix;
    this.size = matrix.labels().size();
  }

  void draw() {
    out.open("figure").leaf("figcaption", "Confusion matrix");
    if (size > MOST_LABELS) {
      list();
    } else {
      out.leaf(
          "p",
          "Rows are actual labels, columns predicted ones; the shade is the share of the row.",
          "class",
          "note");
      heatMap();
    }
    out.close();
  }

  private void heatMap() {
    int longest = matrix.labels().stream().mapToInt(l -> brief(l).length()).max().orElse(1);
    double left = 26 + 7.0 * longest;
    double cell = (SIZE - left - 4) / size;
    boolean upright = 7.0 * longest > cell;
    double top = upright ? left : 44;
    double height = top + cell * size + 4;
    out.open(
        "svg",
        "class",
        "plot",
        "viewBox",
        "0 0 " + SIZE + " " + Plot.n(height),
        "role",
        "img",
        "aria-label",
        "Confusion matrix of " + matrix.labels());
    caption("predicted", left + cell * size / 2, 13, 0);
    caption("actual", 12, top + cell * size / 2, -90);
    for (int i = 0; i < size; i++) {
      double middle = (i + 0.5) * cell;
      tick(matrix.labels().get(i), left - 6, top + middle + 4, "end", 0);
      if (upright) {
        tick(matrix.labels().get(i), left + middle + 4, top - 6, "start", -90);
      } else {
        tick(matrix.labels().get(i), left + middle, top - 8, "middle", 0);
      }
    }
    for (int a = 0; a < size; a++) {
      for (int p = 0; p < size; p++) {
        cell(a, p, left + p * cell, top + a * cell, cell);
      }
    }
    out.close();
  }

  private void cell(int actual, int predicted, double x, double y, double cell) {
    long count = matrix.count(actual, predicted);
    long row = 0;
    for (int p = 0; p < size; p++) {
      row += matrix.count(actual, p);
    }
    double share = row == 0 ? 0 : (double) count / row;
    out.open(
        "rect",
        "class",
        actual == predicted ? "right" : "wrong",
        "x",
        Plot.n(x + 1),
        "y",
        Plot.n(y + 1),
        "width",
        Plot.n(cell - 2),
        "height",
        Plot.n(cell - 2),
        "rx",
        "3",
        "fill-opacity",
        Plot.n(count == 0 ? 0 : Math.max(0.1, Math.sqrt(share))));
    out.leaf(
        "title",
        matrix.labels().get(actual)
            + " taken for "
            + matrix.labels().get(predicted)
            + ": "
            + count
            + " of "
            + row);
    out.close();
    if (size <= MOST_NUMBERED) {
      String shade = Math.sqrt(share) > 0.55 ? "cell on" : "cell";
      double middle = y + cell / 2;
      boolean roomy = size <= 5;
      if (count > 0 || roomy) {
        number(
            String.valueOf(count), shade, x + cell / 2, middle + (roomy ? 0 : 4), roomy ? 20 : 12);
      }
      if (roomy) {
        number(
            Numbers.percent(Math.round(share * 1000) / 1000.0),
            shade,
            x + cell / 2,
            middle + 20,
            12);
      }
    }
  }

  private void number(String text, String cssClass, double x, double y, int fontSize) {
    out.leaf(
        "text",
        text,
        "class",
        cssClass,
        "x",
        Plot.n(x),
        "y",
        Plot.n(y),
        "font-size",
        String.valueOf(fontSize),
        "text-anchor",
        "middle");
  }

  private void caption(String text, double x, double y, int turn) {
    out.leaf(
        "text",
        text,
        "class",
        "axis-label",
        "x",
        Plot.n(x),
        "y",
        Plot.n(y),
        "text-anchor",
        "middle",
        "transform",
        "rotate(" + turn + " " + Plot.n(x) + " " + Plot.n(y) + ")");
  }

  private void tick(String label, double x, double y, String anchor, int turn) {
    out.open(
        "text",
        "class",
        "tick",
        "x",
        Plot.n(x),
        "y",
        Plot.n(y),
        "text-anchor",
        anchor,
        "transform",
        "rotate(" + turn + " " + Plot.n(x) + " " + Plot.n(y) + ")");
    out.text(brief(label)).leaf("title", label).close();
  }

  private static String brief(String label) {
    return label.length() <= LABEL_LENGTH ? label : label.substring(0, LABEL_LENGTH - 1) + "…";
  }

  private record Confusion(String actual, String predicted, long count) {}

  private void list() {
    List<Confusion> confusions = new ArrayList<>();
    for (int a = 0; a < size; a++) {
      for (int p = 0; p < size; p++) {
        if (a != p && matrix.count(a, p) > 0) {
          confusions.add(
              new Confusion(matrix.labels().get(a), matrix.labels().get(p), matrix.count(a, p)));
        }
      }
    }
    confusions.sort(Comparator.comparingLong(Confusion::count).reversed());
    out.leaf(
        "p", size + " labels are too many to draw; the most frequent confusions.", "class", "note");
    out.open("div", "class", "scroll").open("table").leaf("caption", "Most frequent confusions");
    out.open("thead").open("tr");
    out.leaf("th", "Actual", "scope", "col").leaf("th", "Predicted", "scope", "col");
    out.leaf("th", "Rows", "scope", "col", "class", "number").close().close().open("tbody");
    for (Confusion each : confusions.subList(0, Math.min(LISTED, confusions.size()))) {
      out.open("tr").leaf("td", each.actual()).leaf("td", each.predicted());
      out.leaf("td", String.valueOf(each.count()), "class", "number").close();
    }
    out.close().close().close();
  }
}
