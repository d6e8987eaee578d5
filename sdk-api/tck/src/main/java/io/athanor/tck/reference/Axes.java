package io.athanor.tck.reference;

import io.athanor.api.graph.ShapeOp.Reduce;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Operations that rearrange or reduce axes. */
final class Axes {
  private Axes() {}

  static Result reshape(Array x, List<Long> sizes) {
    int[] shape = new int[sizes.size() + 1];
    shape[0] = x.size(0);
    for (int i = 0; i < sizes.size(); i++) {
      shape[i + 1] = Math.toIntExact(sizes.get(i));
    }
    return new Result(x.as(shape), dy -> List.of(dy.as(x.shape)));
  }

  static Result transpose(Array x, List<Integer> axes) {
    int[] own = x.strides();
    int[] shape = axes.stream().mapToInt(x::size).toArray();
    int[] sources = Array.indices(shape, axes.stream().mapToInt(axis -> own[axis]).toArray());
    Array y = Array.zeros(shape);
    for (int i = 0; i < sources.length; i++) {
      y.values[i] = x.values[sources[i]];
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int i = 0; i < sources.length; i++) {
            dx.values[sources[i]] = dy.values[i];
          }
          return List.of(dx);
        });
  }

  static Result concat(List<Array> parts, int axis) {
    int[] shape = parts.get(0).shape.clone();
    shape[axis] = parts.stream().mapToInt(part -> part.size(axis)).sum();
    Array y = Array.zeros(shape);
    int from = 0;
    for (Array part : parts) {
      copyRange(part, y, axis, from, true);
      from += part.size(axis);
    }
    return new Result(
        y,
        dy -> {
          List<Array> gradients = new ArrayList<>();
          int start = 0;
          for (Array part : parts) {
            Array gradient = part.zerosLike();
            copyRange(gradient, dy, axis, start, false);
            gradients.add(gradient);
            start += part.size(axis);
          }
          return gradients;
        });
  }

  static Result slice(Array x, int axis, int from, int to) {
    int[] shape = x.shape.clone();
    shape[axis] = to - from;
    Array y = Array.zeros(shape);
    copyRange(y, x, axis, from, false);
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          copyRange(dy, dx, axis, from, true);
          return List.of(dx);
        });
  }

  /** Copies between a part and the range of a whole that begins at an index of an axis. */
  private static void copyRange(Array part, Array whole, int axis, int from, boolean intoWhole) {
    int inner = whole.strides()[axis];
    int block = part.size(axis) * inner;
    for (int outer = 0; outer < part.count() / block; outer++) {
      int inPart = outer * block;
      int inWhole = (outer * whole.size(axis) + from) * inner;
      if (intoWhole) {
        System.arraycopy(part.values, inPart, whole.values, inWhole, block);
      } else {
        System.arraycopy(whole.values, inWhole, part.values, inPart, block);
      }
    }
  }

  static Result reduce(Array x, Reduce op) {
    int[] kept = IntStream.range(0, x.rank()).filter(axis -> !op.axes().contains(axis)).toArray();
    Array y = Array.zeros(Arrays.stream(kept).map(x::size).toArray());
    int[] own = y.strides();
    int[] strides = new int[x.rank()];
    for (int i = 0; i < kept.length; i++) {
      strides[kept[i]] = own[i];
    }
    int[] results = Array.indices(x.shape, strides);
    double[] shares = shares(x, y.count(), results, op.statistic());
    for (int i = 0; i < x.count(); i++) {
      if (shares[i] != 0) {
        y.values[results[i]] += shares[i] * x.values[i];
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int i = 0; i < x.count(); i++) {
            dx.values[i] = shares[i] * dy.values[results[i]];
          }
          return List.of(dx);
        });
  }

  /** The weight of each element in its result. */
  private static double[] shares(Array x, int results, int[] resultOf, Reduce.Statistic statistic) {
    double[] shares = new double[x.count()];
    switch (statistic) {
      case SUM -> Arrays.fill(shares, 1);
      case MEAN -> Arrays.fill(shares, (double) results / x.count());
      case MAX -> {
        int[] winners = new int[results];
        Arrays.fill(winners, -1);
        for (int i = 0; i < x.count(); i++) {
          int winner = winners[resultOf[i]];
          if (winner < 0 || x.values[i] > x.values[winner]) {
            winners[resultOf[i]] = i;
          }
        }
        for (int winner : winners) {
          shares[winner] = 1;
        }
      }
    }
    return shares;
  }
}
