package io.athanor.api.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Operations that rearrange or reduce axes. */
public sealed interface ShapeOp extends Op {
  /**
   * The same elements under other sizes, the first axis kept. Input {@code [b, ..]} with all other
   * sizes fixed, result {@code [b, sizes..]}.
   *
   * @param sizes the sizes after the first axis, each at least 1; their product stays the same
   */
  record Reshape(List<Long> sizes) implements ShapeOp {
    public Reshape {
      sizes = List.copyOf(sizes);
      if (sizes.stream().anyMatch(size -> size < 1)) {
        throw new IllegalArgumentException("sizes must be at least 1, got " + sizes);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.inputs().get(0).shape();
      if (x.rank() < 1) {
        throw at.fail("expected input 0 of shape [batch, ..], got a scalar");
      }
      long elements = 1;
      for (int i = 1; i < x.rank(); i++) {
        elements = Math.multiplyExact(elements, at.fixed(0, i));
      }
      List<Dim> dims = new ArrayList<>(List.of(x.dim(0)));
      long wanted = 1;
      for (long size : sizes) {
        dims.add(Dim.of(size));
        wanted = Math.multiplyExact(wanted, size);
      }
      if (wanted != elements) {
        throw at.fail("expected " + elements + " elements a row as in " + x + ", got " + sizes);
      }
      return new TensorType(at.inputs().get(0).dtype(), new Shape(dims));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.reshape(node, this);
    }
  }

  /**
   * Axes in another order.
   *
   * @param axes for each axis of the result, the axis of the input it comes from
   */
  record Transpose(List<Integer> axes) implements ShapeOp {
    public Transpose {
      axes = List.copyOf(axes);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.inputs().get(0).shape();
      if (!axes.stream().sorted().toList().equals(range(x.rank()))) {
        throw at.fail("expected an order of the " + x.rank() + " axes of " + x + ", got " + axes);
      }
      return new TensorType(
          at.inputs().get(0).dtype(), new Shape(axes.stream().map(x::dim).toList()));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.transpose(node, this);
    }
  }

  /**
   * Values one after the other along an axis; two or more inputs, equal on all other axes.
   *
   * @param axis counted from 0
   */
  record Concat(int axis) implements ShapeOp {
    @Override
    public TensorType infer(Inference at) {
      at.count(2, Integer.MAX_VALUE);
      Shape first = at.inputs().get(0).shape();
      checkAxis(at, axis, first);
      Dim sum = first.dim(axis);
      for (int i = 1; i < at.inputs().size(); i++) {
        TensorType next = at.inputs().get(i);
        if (next.dtype() != at.inputs().get(0).dtype() || next.shape().rank() != first.rank()) {
          throw at.fail("expected input " + i + " like " + at.inputs().get(0) + ", got " + next);
        }
        Dim size = next.shape().dim(axis);
        at.same("input " + i, first, next.shape().with(axis, first.dim(axis)));
        if (!size.fixed() && !sum.fixed()) {
          throw at.fail("expected at most one symbolic size on axis " + axis + ", got two");
        }
        sum = size.fixed() ? sum.plus(size.offset()) : size.plus(sum.offset());
      }
      return new TensorType(at.inputs().get(0).dtype(), first.with(axis, sum));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.concat(node, this);
    }
  }

  /**
   * A range of an axis of fixed size.
   *
   * @param axis counted from 0
   * @param from first index
   * @param to index after the last
   */
  record Slice(int axis, long from, long to) implements ShapeOp {
    public Slice {
      if (from < 0 || to <= from) {
        throw new IllegalArgumentException("range must not be empty, got " + from + " to " + to);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.inputs().get(0).shape();
      checkAxis(at, axis, x);
      if (to > at.fixed(0, axis)) {
        throw at.fail(
            "expected a range within axis " + axis + " of " + x + ", got " + from + " to " + to);
      }
      return new TensorType(at.inputs().get(0).dtype(), x.with(axis, Dim.of(to - from)));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.slice(node, this);
    }
  }

  /**
   * One number for all elements along some axes, which disappear. The gradient of a maximum goes to
   * one or several of the elements equal to it, as the backend likes.
   *
   * @param statistic what is kept of them
   * @param axes counted from 0, ascending
   */
  record Reduce(Statistic statistic, List<Integer> axes) implements ShapeOp {
    /** What is kept of the elements. */
    public enum Statistic {
      MEAN,
      SUM,
      MAX
    }

    public Reduce {
      axes = List.copyOf(axes);
      if (axes.isEmpty() || !axes.stream().sorted().distinct().toList().equals(axes)) {
        throw new IllegalArgumentException("axes must be ascending and not empty, got " + axes);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floating(0);
      axes.forEach(axis -> checkAxis(at, axis, x));
      List<Dim> dims = new ArrayList<>();
      for (int i = 0; i < x.rank(); i++) {
        if (!axes.contains(i)) {
          dims.add(x.dim(i));
        }
      }
      return new TensorType(at.inputs().get(0).dtype(), new Shape(dims));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.reduce(node, this);
    }
  }

  /**
   * One number for each window of an image. Input {@code [b, c, h, w]}, result {@code [b, c, h',
   * w']} with sizes as in {@link LayerOp.Conv2d}. Padding counts as zero in the mean and never is
   * the maximum.
   *
   * @param kind what is kept of a window
   * @param kernel side of the window
   * @param stride at least 1
   * @param padding on each side, at most half the kernel
   */
  record Pool2d(Kind kind, int kernel, int stride, int padding) implements ShapeOp {
    /** What is kept of a window. */
    public enum Kind {
      MEAN,
      MAX
    }

    public Pool2d {
      if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2) {
        throw new IllegalArgumentException(
            "kernel and stride must be at least 1 and padding at most half the kernel, got "
                + kernel
                + ", "
                + stride
                + ", "
                + padding);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floating(0, 4, "[batch, channels, height, width]");
      return TensorType.f32(
          x.dim(0),
          x.dim(1),
          LayerOp.window(at, 2, kernel, stride, padding),
          LayerOp.window(at, 3, kernel, stride, padding));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.pool2d(node, this);
    }
  }

  private static List<Integer> range(int n) {
    return IntStream.range(0, n).boxed().toList();
  }

  private static void checkAxis(Inference at, int axis, Shape shape) {
    if (axis < 0 || axis >= shape.rank()) {
      throw at.fail("expected an axis of " + shape + ", got " + axis);
    }
  }
}
