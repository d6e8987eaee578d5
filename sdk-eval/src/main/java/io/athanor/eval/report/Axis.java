package io.athanor.eval.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * The range of an axis, with round ticks.
 *
 * @param label what it measures
 * @param low where it begins
 * @param high where it ends, above low
 */
record Axis(String label, double low, double high) {
  private static final int TICKS = 5;

  /** From 0 to 1. */
  static Axis share(String label) {
    return new Axis(label, 0, 1);
  }

  /** Wide enough for some values, ending on round numbers. */
  static Axis around(String label, DoubleStream values) {
    double[] all = values.toArray();
    double low = DoubleStream.of(all).min().orElse(0);
    double high = DoubleStream.of(all).max().orElse(1);
    if (low == high) {
      double room = low == 0 ? 1 : Math.abs(low) / 10;
      low -= room;
      high += room;
    }
    double step = step(low, high);
    return new Axis(label, Math.floor(low / step) * step, Math.ceil(high / step) * step);
  }

  /** Round numbers along the axis. */
  List<Double> ticks() {
    double step = step(low, high);
    List<Double> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /** Where a value lies between the ends, in [0, 1]. */
  double at(double value) {
    return Math.min(1, Math.max(0, (value - low) / (high - low)));
  }

  private static double step(double low, double high) {
    double rough = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double mantissa = rough / power;
    return power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
  }

  /** A tick's text: at most four digits, thousands as k. */
  static String text(double tick) {
    double size = Math.abs(tick);
    if (size >= 10_000) {
      return plain(tick / 1000) + "k";
    }
    return size > 0 && size < 0.001 ? String.format(Locale.ROOT, "%.0e", tick) : plain(tick);
  }

  private static String plain(double value) {
    return BigDecimal.valueOf(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }
}
