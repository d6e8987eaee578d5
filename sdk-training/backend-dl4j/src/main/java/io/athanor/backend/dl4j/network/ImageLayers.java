package io.athanor.backend.dl4j.network;

import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.ShapeOp.Pool2d;
import io.athanor.api.graph.Value;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Layers that slide a window over pictures {@code [b, c, h, w]}, or change their border. */
final class ImageLayers {
  /** A border wider than any that makes sense. */
  private static final int WIDEST = 1024;

  private final Assembly to;
  private final GraphBuilder g;

  ImageLayers(Assembly to) {
    this.to = to;
    this.g = to.graph();
  }

  /**
   * The border that a window layer puts around its pictures.
   *
   * @param top rows above; the others alike
   */
  private record Border(int top, int bottom, int left, int right) {
    boolean even() {
      return top == bottom && top == left && top == right;
    }

    int widest() {
      return Math.max(Math.max(top, bottom), Math.max(left, right));
    }
  }

  Value convolution(Settings layer, String name, Parameter.Role role, Value x) throws IOException {
    picture(layer, x, "cnn2dDataFormat");
    long in = layer.size("nin");
    long out = layer.size("nout");
    List<Integer> kernel = window(layer, "kernelSize");
    int stride = stride(layer);
    Border border = border(layer, x, kernel, stride);
    String bias = layer.flag("hasBias", true) ? to.next(layer, name + ".bias", role, out) : null;
    String weight = to.next(layer, name + ".weight", role, out, in, kernel.get(0), kernel.get(1));
    return border.even()
        ? g.apply(name, new LayerOp.Conv2d(weight, bias, stride, border.top), x)
        : g.apply(name, new LayerOp.Conv2d(weight, bias, stride, 0), framed(x, border, true));
  }

  Value pooling(Settings layer, Value x) {
    picture(layer, x, "cnn2dDataFormat");
    List<Integer> kernel = window(layer, "kernelSize");
    int side = kernel.get(0);
    layer.require(
        side == kernel.get(1), "pooled by windows that are not square", "Use square ones");
    int stride = stride(layer);
    Border border = border(layer, x, kernel, stride);
    String type = layer.text("poolingType", "MAX");
    if (type.equals("MAX")) {
      layer.require(
          border.widest() < side, "padded by more than its window", "Use a smaller padding");
      return pooled(Pool2d.Kind.MAX, side, stride, border, x, false);
    }
    layer.require(type.equals("AVG"), "pooled by " + type, "Use the pooling type MAX or AVG");
    layer.require(
        border.widest() == 0 || layer.flag("avgPoolIncludePadInDivisor", false),
        "a mean that leaves the padding out of the count",
        "Use no padding, avgPoolIncludePadInDivisor(true), or the pooling type MAX");
    return pooled(Pool2d.Kind.MEAN, side, stride, border, x, true);
  }

  private Value pooled(
      Pool2d.Kind kind, int side, int stride, Border border, Value x, boolean zeros) {
    boolean even = border.even() && border.top <= side / 2;
    Pool2d op = new Pool2d(kind, side, stride, even ? border.top : 0);
    return g.apply(to.name("pool"), op, even ? x : framed(x, border, zeros));
  }

  Value zeroPadding(Settings layer, Value x) {
    picture(layer, x, "dataFormat");
    List<Integer> sides = layer.lengths("padding", 4);
    Border border = new Border(sides.get(0), sides.get(1), sides.get(2), sides.get(3));
    checkWidth(layer, border);
    return framed(x, border, true);
  }

  Value cropping(Settings layer, Value x) {
    picture(layer, x, "dataFormat");
    List<Integer> sides = layer.lengths("cropping", 4);
    return cut(layer, cut(layer, x, 2, sides.get(0), sides.get(1)), 3, sides.get(2), sides.get(3));
  }

  private Value cut(Settings layer, Value x, int axis, int before, int after) {
    long size = x.shape().dim(axis).offset();
    if (before + after >= size) {
      throw layer.fail("it crops all of " + size + " pixels of " + x.type());
    }
    return before + after == 0 ? x : g.slice(x, axis, before, size - after);
  }

  private static void picture(Settings layer, Value x, String format) {
    layer.require(
        layer.text(format, "NCHW").equals("NCHW"),
        "of the data format NHWC",
        "Build the network with the data format NCHW, DL4J's default");
    if (x.shape().rank() != 4) {
      throw layer.fail("it needs pictures [batch, channels, height, width], got " + x.type());
    }
  }

  private static List<Integer> window(Settings layer, String name) {
    List<Integer> sizes = layer.lengths(name, 2);
    if (sizes.contains(0)) {
      throw layer.fail("'" + name + "' must be at least 1, got " + sizes);
    }
    return sizes;
  }

  private static int stride(Settings layer) {
    layer.require(
        !layer.has("dilation") || layer.lengths("dilation", 2).equals(List.of(1, 1)),
        "dilated",
        "Use a dilation of 1");
    List<Integer> stride = window(layer, "stride");
    layer.require(
        stride.get(0).equals(stride.get(1)),
        "a window with different strides down and across",
        "Use the same stride for both");
    return stride.get(0);
  }

  private static Border border(Settings layer, Value x, List<Integer> kernel, int stride) {
    String mode = layer.text("convolutionMode", "Truncate");
    if (mode.equals("Same")) {
      int down = missing(x.shape().dim(2).offset(), kernel.get(0), stride);
      int across = missing(x.shape().dim(3).offset(), kernel.get(1), stride);
      return new Border(down / 2, down - down / 2, across / 2, across - across / 2);
    }
    layer.require(
        mode.equals("Truncate") || mode.equals("Strict"),
        "of the convolution mode " + mode,
        "Use Same, Truncate or Strict");
    List<Integer> padding = layer.lengths("padding", 2);
    int down = padding.get(0);
    int across = padding.get(1);
    Border border = new Border(down, down, across, across);
    checkWidth(layer, border);
    return border;
  }

  /** What must be added so that there is a window for each step, the last one begun included. */
  private static int missing(long size, int kernel, int stride) {
    long steps = (size + stride - 1) / stride;
    return (int) Math.max(0, (steps - 1) * stride + kernel - size);
  }

  private static void checkWidth(Settings layer, Border border) {
    if (border.widest() > WIDEST) {
      throw layer.fail("padding must be at most " + WIDEST + ", got " + border.widest());
    }
  }

  /** A picture with a border of zeros, or of its outermost pixels, which change no maximum. */
  private Value framed(Value x, Border border, boolean zeros) {
    return framed(
        framed(x, 2, border.top, border.bottom, zeros), 3, border.left, border.right, zeros);
  }

  private Value framed(Value x, int axis, int before, int after, boolean zeros) {
    List<Value> parts = new ArrayList<>();
    parts.addAll(Collections.nCopies(before, edge(x, axis, 0, before, zeros)));
    parts.add(x);
    long last = x.shape().dim(axis).offset() - 1;
    parts.addAll(Collections.nCopies(after, edge(x, axis, last, after, zeros)));
    return parts.size() == 1 ? x : g.concat(axis, parts.toArray(Value[]::new));
  }

  private Value edge(Value x, int axis, long at, int count, boolean zeros) {
    if (count == 0) {
      return x;
    }
    Value edge = g.slice(x, axis, at, at + 1);
    return zeros ? g.scale(edge, 0) : edge;
  }
}
