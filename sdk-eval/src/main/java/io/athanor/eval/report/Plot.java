package io.athanor.eval.report;

import io.athanor.api.eval.Details.Point;
import java.util.List;
import java.util.Locale;

/** Two axes and what is drawn between them, as SVG. Colours come from the style sheet. */
final class Plot {
  private static final int WIDTH = 420;
  private static final int LEFT = 52;
  private static final int RIGHT = 14;
  private static final int TOP = 12;
  private static final int BOTTOM = 44;

  private final Markup out;
  private final Axis x;
  private final Axis y;
  private final int height;

  private Plot(Markup out, Axis x, Axis y, int height) {
    this.out = out;
    this.x = x;
    this.y = y;
    this.height = height;
  }

  /** Draws the axes; the caller draws into them and then calls {@link #end}. */
  static Plot begin(Markup out, String description, Axis x, Axis y, int height) {
    Plot plot = new Plot(out, x, y, height);
    out.open(
        "svg",
        "class",
        "plot",
        "viewBox",
        "0 0 " + WIDTH + " " + height,
        "role",
        "img",
        "aria-label",
        description);
    plot.axes();
    return plot;
  }

  void end() {
    out.close();
  }

  private void axes() {
    for (double tick : y.ticks()) {
      out.empty(
          "line",
          "class",
          "grid",
          "x1",
          n(LEFT),
          "x2",
          n(WIDTH - RIGHT),
          "y1",
          n(down(tick)),
          "y2",
          n(down(tick)));
      out.leaf(
          "text",
          Axis.text(tick),
          "class",
          "tick",
          "x",
          n(LEFT - 8),
          "y",
          n(down(tick) + 4),
          "text-anchor",
          "end");
    }
    for (double tick : x.ticks()) {
      out.leaf(
          "text",
          Axis.text(tick),
          "class",
          "tick",
          "x",
          n(across(tick)),
          "y",
          n(height - BOTTOM + 18),
          "text-anchor",
          "middle");
    }
    out.empty(
        "line",
        "class",
        "axis",
        "x1",
        n(LEFT),
        "x2",
        n(WIDTH - RIGHT),
        "y1",
        n(height - BOTTOM),
        "y2",
        n(height - BOTTOM));
    out.leaf(
        "text",
        x.label(),
        "class",
        "axis-label",
        "x",
        n((LEFT + WIDTH - RIGHT) / 2.0),
        "y",
        n(height - 6),
        "text-anchor",
        "middle");
    double middle = (TOP + height - BOTTOM) / 2.0;
    out.leaf(
        "text",
        y.label(),
        "class",
        "axis-label",
        "x",
        "12",
        "y",
        n(middle),
        "text-anchor",
        "middle",
        "transform",
        "rotate(-90 12 " + n(middle) + ")");
  }

  /** A line through points. */
  Plot line(List<Point> points, String cssClass) {
    StringBuilder path = new StringBuilder();
    for (Point point : points) {
      path.append(path.length() == 0 ? "M" : "L")
          .append(n(across(point.x())))
          .append(' ')
          .append(n(down(point.y())));
    }
    out.empty("path", "class", "line " + cssClass, "d", path.toString());
    return this;
  }

  Plot dot(Point point, double radius, String cssClass, String tip) {
    out.open(
        "circle",
        "class",
        cssClass,
        "cx",
        n(across(point.x())),
        "cy",
        n(down(point.y())),
        "r",
        n(radius));
    if (!tip.isEmpty()) {
      out.leaf("title", tip);
    }
    out.close();
    return this;
  }

  /** A bar from the foot of the plot. */
  Plot bar(double low, double high, double value, String cssClass, String tip) {
    double left = across(low) + 1;
    double top = down(value);
    out.open(
        "rect",
        "class",
        cssClass,
        "x",
        n(left),
        "y",
        n(top),
        "width",
        n(Math.max(1, across(high) - 1 - left)),
        "height",
        n(Math.max(0, height - BOTTOM - top)));
    out.leaf("title", tip);
    out.close();
    return this;
  }

  private double across(double value) {
    return LEFT + x.at(value) * (WIDTH - LEFT - RIGHT);
  }

  private double down(double value) {
    return height - BOTTOM - y.at(value) * (height - BOTTOM - TOP);
  }

  /** A coordinate. */
  static String n(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
