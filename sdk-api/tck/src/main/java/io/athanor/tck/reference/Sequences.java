package io.athanor.tck.reference;

import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.SequenceOp.Attention;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Operations along a sequence axis. */
final class Sequences {
  private Sequences() {}

  static Result positionIds(Array x, int first) {
    Array y = Array.zeros(x.size(0), x.size(1));
    for (int i = 0; i < y.count(); i++) {
      y.values[i] = first + i % x.size(1);
    }
    return new Result(y, dy -> List.of(x.zerosLike()));
  }

  static Result constantIds(Array x, long id) {
    Array y = Array.zeros(x.size(0), x.size(1)).map(zero -> id);
    return new Result(y, dy -> List.of(x.zerosLike()));
  }

  static Result prepend(Array x, int count, long value) {
    Array before = Array.zeros(x.size(0), count).map(zero -> value);
    return argumentsFrom(Axes.concat(List.of(before, x), 1), 1);
  }

  static Result skip(Array x, int count) {
    return Axes.slice(x, 1, count, x.size(1));
  }

  /** The gradients of a result from an argument on. */
  static Result argumentsFrom(Result result, int from) {
    return new Result(
        result.value(),
        dy -> {
          List<Array> all = result.backward().apply(dy);
          return all.subList(from, all.size());
        });
  }

  static Result rope(Array x, @Nullable Array positions, SequenceOp.Rope op) {
    IntToDoubleFunction position =
        positions == null ? row -> row % x.size(1) : row -> positions.values[row];
    Array y = rotate(x, position, op, 1);
    return new Result(
        y,
        dy -> {
          Array dx = rotate(dy, position, op, -1);
          return positions == null ? List.of(dx) : List.of(dx, positions.zerosLike());
        });
  }

  private static Array rotate(
      Array x, IntToDoubleFunction position, SequenceOp.Rope op, int direction) {
    int size = op.headSize();
    int half = size / 2;
    double[] speeds = op.frequencies();
    double magnitude = op.scaling().magnitude();
    Array y = x.zerosLike();
    for (int head = 0; head < x.count() / size; head++) {
      int row = head / (x.size(-1) / size);
      for (int i = 0; i < half; i++) {
        double angle = direction * position.applyAsDouble(row) * speeds[i];
        double a = magnitude * x.values[head * size + i];
        double b = magnitude * x.values[head * size + i + half];
        y.values[head * size + i] = a * Math.cos(angle) - b * Math.sin(angle);
        y.values[head * size + i + half] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
    return y;
  }

  /** Whether a query of a row of the batch may see a key. */
  @FunctionalInterface
  interface Sight {
    boolean sees(int b, int i, int j);
  }

  /**
   * @param documents whether the mask numbers documents
   */
  static Sight sight(Attention op, @Nullable Array mask, boolean documents) {
    return (b, i, j) -> {
      boolean near = !op.causal() || (j <= i && (op.window() == 0 || j > i - op.window()));
      if (mask == null || !near) {
        return near;
      }
      double number = mask.values[b * mask.size(1) + j];
      return number != 0 && (!documents || number == mask.values[b * mask.size(1) + i]);
    };
  }

  /**
   * @param sight what each query may see
   * @param keep gives a factor for every attention weight, in the order batch, head, query, key: 1
   *     when predicting, and 0 or {@code 1 / (1 - rate)} under dropout
   */
  static Result attention(
      Array query,
      Array key,
      Array value,
      @Nullable Array mask,
      Sight sight,
      Attention op,
      Array keep) {
    Heads heads = new Heads(query, key, value, op);
    Array weights = Array.zeros(keep.shape);
    Array slopes = Array.zeros(keep.shape);
    Array result = Array.zeros(query.shapeWithLast(op.heads() * heads.valueSize));
    heads.forEachRow(
        (b, h, i, row) -> {
          double largest = Double.NEGATIVE_INFINITY;
          for (int j = 0; j < heads.keys; j++) {
            double score = Double.NEGATIVE_INFINITY;
            if (sight.sees(b, i, j)) {
              score = 0;
              for (int d = 0; d < heads.size; d++) {
                score +=
                    query.values[heads.query(b, h, i) + d] * key.values[heads.key(b, h, j) + d];
              }
              score *= op.scale();
              slopes.values[row + j] = 1;
              if (op.softCap() > 0) {
                double bent = Math.tanh(score / op.softCap());
                score = op.softCap() * bent;
                slopes.values[row + j] = 1 - bent * bent;
              }
            }
            weights.values[row + j] = score;
            largest = Math.max(largest, score);
          }
          double sum = 0;
          for (int j = 0; j < heads.keys; j++) {
            double e =
                weights.values[row + j] == Double.NEGATIVE_INFINITY
                    ? 0
                    : Math.exp(weights.values[row + j] - largest);
            weights.values[row + j] = e;
            sum += e;
          }
          for (int j = 0; j < heads.keys; j++) {
            weights.values[row + j] /= sum == 0 ? 1 : sum;
            for (int d = 0; d < heads.valueSize; d++) {
              result.values[heads.result(b, h, i) + d] +=
                  weights.values[row + j]
                      * keep.values[row + j]
                      * value.values[heads.value(b, h, j) + d];
            }
          }
        });
    return new Result(
        result,
        dy -> {
          Array dQuery = query.zerosLike();
          Array dKey = key.zerosLike();
          Array dValue = value.zerosLike();
          heads.forEachRow(
              (b, h, i, row) -> {
                double[] dWeights = new double[heads.keys];
                double mean = 0;
                for (int j = 0; j < heads.keys; j++) {
                  double kept = keep.values[row + j];
                  for (int d = 0; d < heads.valueSize; d++) {
                    double dResult = dy.values[heads.result(b, h, i) + d];
                    dWeights[j] += dResult * kept * value.values[heads.value(b, h, j) + d];
                    dValue.values[heads.value(b, h, j) + d] +=
                        dResult * kept * weights.values[row + j];
                  }
                  mean += dWeights[j] * weights.values[row + j];
                }
                for (int j = 0; j < heads.keys; j++) {
                  double dCapped = weights.values[row + j] * (dWeights[j] - mean);
                  double dScore = dCapped * slopes.values[row + j] * op.scale();
                  for (int d = 0; d < heads.size; d++) {
                    dQuery.values[heads.query(b, h, i) + d] +=
                        dScore * key.values[heads.key(b, h, j) + d];
                    dKey.values[heads.key(b, h, j) + d] +=
                        dScore * query.values[heads.query(b, h, i) + d];
                  }
                }
              });
          List<Array> all = new ArrayList<>(List.of(dQuery, dKey, dValue));
          if (mask != null) {
            all.add(mask.zerosLike());
          }
          return all;
        });
  }

  /** Where the vectors of each head begin. */
  private static final class Heads {
    final int batch;
    final int heads;
    final int keyHeads;
    final int queries;
    final int keys;
    final int size;
    final int valueSize;

    Heads(Array query, Array key, Array value, Attention op) {
      batch = query.size(0);
      heads = op.heads();
      keyHeads = op.keyHeads();
      queries = query.size(1);
      keys = key.size(1);
      size = query.size(2) / heads;
      valueSize = value.size(2) / keyHeads;
    }

    int query(int b, int h, int i) {
      return ((b * queries + i) * heads + h) * size;
    }

    int key(int b, int h, int j) {
      return ((b * keys + j) * keyHeads + h * keyHeads / heads) * size;
    }

    int value(int b, int h, int j) {
      return ((b * keys + j) * keyHeads + h * keyHeads / heads) * valueSize;
    }

    int result(int b, int h, int i) {
      return ((b * queries + i) * heads + h) * valueSize;
    }

    /** Gets every query of every head and where its attention weights begin. */
    @FunctionalInterface
    interface Row {
      void at(int b, int h, int i, int row);
    }

    void forEachRow(Row visitor) {
      int row = 0;
      for (int b = 0; b < batch; b++) {
        for (int h = 0; h < heads; h++) {
          for (int i = 0; i < queries; i++) {
            visitor.at(b, h, i, row);
            row += keys;
          }
        }
      }
    }
  }

  static Result pool(Array x, @Nullable Array mask, SequenceOp.SequencePool.Kind kind) {
    int time = x.size(1);
    int size = x.size(2);
    Array y = Array.zeros(x.size(0), size);
    // For every result, the weight of every position in it.
    Array shares = Array.zeros(x.shape);
    for (int b = 0; b < x.size(0); b++) {
      List<Integer> real = new ArrayList<>();
      for (int t = 0; t < time; t++) {
        if (mask == null || mask.values[b * time + t] != 0) {
          real.add(t);
        }
      }
      for (int d = 0; d < size && !real.isEmpty(); d++) {
        int column = b * time * size + d;
        switch (kind) {
          case MEAN -> real.forEach(t -> shares.values[column + t * size] = 1.0 / real.size());
          case MAX -> {
            int best = real.get(0);
            for (int t : real) {
              if (x.values[column + t * size] > x.values[column + best * size]) {
                best = t;
              }
            }
            shares.values[column + best * size] = 1;
          }
          case FIRST -> shares.values[column] = 1;
          case LAST -> shares.values[column + real.get(real.size() - 1) * size] = 1;
        }
        for (int t = 0; t < time; t++) {
          if (shares.values[column + t * size] != 0) {
            y.values[b * size + d] +=
                shares.values[column + t * size] * x.values[column + t * size];
          }
        }
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int i = 0; i < x.count(); i++) {
            int b = i / (time * size);
            dx.values[i] = shares.values[i] * dy.values[b * size + i % size];
          }
          return mask == null ? List.of(dx) : List.of(dx, mask.zerosLike());
        });
  }
}
