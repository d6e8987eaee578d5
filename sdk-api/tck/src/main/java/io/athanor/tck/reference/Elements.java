package io.athanor.tck.reference;

import io.athanor.api.graph.ElementOp.Activation;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Operations element by element, or along the last axis. */
final class Elements {
  private static final double GELU_TANH_FACTOR = Math.sqrt(2 / Math.PI);
  private static final double GELU_TANH_CUBIC = 0.044715;

  private static final double LEAST_LENGTH = 1e-12;

  private Elements() {}

  /** A function and its derivative. */
  private record Curve(DoubleUnaryOperator function, DoubleUnaryOperator slope) {}

  static Result activation(Array x, Activation.Kind kind) {
    Curve curve = curve(kind);
    return new Result(
        x.map(curve.function()),
        dy -> {
          Array dx = x.map(curve.slope());
          for (int i = 0; i < dx.count(); i++) {
            dx.values[i] *= dy.values[i];
          }
          return List.of(dx);
        });
  }

  private static Curve curve(Activation.Kind kind) {
    return switch (kind) {
      case RELU -> new Curve(x -> x <= 0 ? 0 : x, x -> x > 0 ? 1 : 0);
      case LEAKY_RELU -> new Curve(x -> x > 0 ? x : 0.01 * x, x -> x > 0 ? 1 : 0.01);
      case ELU -> new Curve(x -> x > 0 ? x : Math.expm1(x), x -> x > 0 ? 1 : Math.exp(x));
      case TANH -> new Curve(Math::tanh, x -> 1 - Math.tanh(x) * Math.tanh(x));
      case SIGMOID -> new Curve(Elements::sigmoid, x -> sigmoid(x) * (1 - sigmoid(x)));
      case SOFTPLUS ->
          new Curve(x -> Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), Elements::sigmoid);
      case SILU ->
          new Curve(x -> x * sigmoid(x), x -> sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)));
      case GELU -> new Curve(x -> x * normal(x), x -> normal(x) + x * normalDensity(x));
      case GELU_TANH ->
          new Curve(
              x -> 0.5 * x * (1 + Math.tanh(geluTanhArgument(x))),
              x -> {
                double tanh = Math.tanh(geluTanhArgument(x));
                double inner = GELU_TANH_FACTOR * (1 + 3 * GELU_TANH_CUBIC * x * x);
                return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner;
              });
    };
  }

  private static double geluTanhArgument(double x) {
    return GELU_TANH_FACTOR * (x + GELU_TANH_CUBIC * x * x * x);
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double normal(double x) {
    return 0.5 * (1 + erf(x / Math.sqrt(2)));
  }

  private static double normalDensity(double x) {
    return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }

  /**
   * The error function by its series of positive terms {@code 2 / sqrt(pi) exp(-x^2) sum 2^n x^(2n
   * + 1) / (2n + 1)!!} (Abramowitz and Stegun 7.1.6).
   */
  static double erf(double x) {
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  static Result add(Array a, Array b) {
    Pairs pairs = Pairs.of(a, b);
    Array y = Array.zeros(pairs.shape());
    for (int i = 0; i < y.count(); i++) {
      y.values[i] = a.values[pairs.left()[i]] + b.values[pairs.right()[i]];
    }
    return new Result(
        y,
        dy -> {
          Array da = a.zerosLike();
          Array db = b.zerosLike();
          for (int i = 0; i < y.count(); i++) {
            da.values[pairs.left()[i]] += dy.values[i];
            db.values[pairs.right()[i]] += dy.values[i];
          }
          return List.of(da, db);
        });
  }

  static Result multiply(Array a, Array b) {
    Pairs pairs = Pairs.of(a, b);
    Array y = Array.zeros(pairs.shape());
    for (int i = 0; i < y.count(); i++) {
      y.values[i] = a.values[pairs.left()[i]] * b.values[pairs.right()[i]];
    }
    return new Result(
        y,
        dy -> {
          Array da = a.zerosLike();
          Array db = b.zerosLike();
          for (int i = 0; i < y.count(); i++) {
            da.values[pairs.left()[i]] += dy.values[i] * b.values[pairs.right()[i]];
            db.values[pairs.right()[i]] += dy.values[i] * a.values[pairs.left()[i]];
          }
          return List.of(da, db);
        });
  }

  /** Which elements of two operands meet at each place of the result. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Pairs(int[] shape, int[] left, int[] right) {
    static Pairs of(Array a, Array b) {
      int[] shape = new int[Math.max(a.rank(), b.rank())];
      for (int axis = -1; axis >= -shape.length; axis--) {
        int left = -axis <= a.rank() ? a.size(axis) : 1;
        int right = -axis <= b.rank() ? b.size(axis) : 1;
        shape[shape.length + axis] = left == 1 ? right : left;
      }
      return new Pairs(shape, indices(shape, a), indices(shape, b));
    }

    private static int[] indices(int[] shape, Array operand) {
      int[] own = operand.strides();
      int[] strides = new int[shape.length];
      for (int axis = 0; axis < own.length; axis++) {
        boolean repeats = operand.shape[axis] == 1;
        strides[shape.length - own.length + axis] = repeats ? 0 : own[axis];
      }
      return Array.indices(shape, strides);
    }
  }

  static Result scale(Array x, double factor) {
    return new Result(x.map(v -> factor * v), dy -> List.of(dy.map(d -> factor * d)));
  }

  /**
   * @param keep 0 or {@code 1 / (1 - rate)} for each element
   */
  static Result dropout(Array x, Array keep) {
    return new Result(product(x, keep), dy -> List.of(product(dy, keep)));
  }

  private static Array product(Array a, Array b) {
    Array y = a.zerosLike();
    for (int i = 0; i < y.count(); i++) {
      y.values[i] = a.values[i] * b.values[i];
    }
    return y;
  }

  static Result normalize(Array x) {
    int size = x.size(-1);
    Array y = x.zerosLike();
    double[] lengths = new double[x.rows()];
    for (int row = 0; row < x.rows(); row++) {
      double sum = 0;
      for (int i = 0; i < size; i++) {
        sum += x.values[row * size + i] * x.values[row * size + i];
      }
      lengths[row] = Math.max(Math.sqrt(sum), LEAST_LENGTH);
      for (int i = 0; i < size; i++) {
        y.values[row * size + i] = x.values[row * size + i] / lengths[row];
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int row = 0; row < x.rows(); row++) {
            double along = 0;
            for (int i = 0; i < size && lengths[row] > LEAST_LENGTH; i++) {
              along += dy.values[row * size + i] * y.values[row * size + i];
            }
            for (int i = 0; i < size; i++) {
              int at = row * size + i;
              dx.values[at] = (dy.values[at] - along * y.values[at]) / lengths[row];
            }
          }
          return List.of(dx);
        });
  }

  static Result softmax(Array x) {
    Array y = logarithms(x).map(Math::exp);
    int size = x.size(-1);
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int from = 0; from < x.count(); from += size) {
            double mean = 0;
            for (int i = from; i < from + size; i++) {
              mean += dy.values[i] * y.values[i];
            }
            for (int i = from; i < from + size; i++) {
              dx.values[i] = y.values[i] * (dy.values[i] - mean);
            }
          }
          return List.of(dx);
        });
  }

  static Result logSoftmax(Array x) {
    Array y = logarithms(x);
    int size = x.size(-1);
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int from = 0; from < x.count(); from += size) {
            double sum = 0;
            for (int i = from; i < from + size; i++) {
              sum += dy.values[i];
            }
            for (int i = from; i < from + size; i++) {
              dx.values[i] = dy.values[i] - Math.exp(y.values[i]) * sum;
            }
          }
          return List.of(dx);
        });
  }

  /** The logarithm of the softmax over the last axis. */
  static Array logarithms(Array x) {
    int size = x.size(-1);
    Array y = x.zerosLike();
    for (int from = 0; from < x.count(); from += size) {
      double largest = Double.NEGATIVE_INFINITY;
      for (int i = from; i < from + size; i++) {
        largest = Math.max(largest, x.values[i]);
      }
      double sum = 0;
      for (int i = from; i < from + size; i++) {
        sum += Math.exp(x.values[i] - largest);
      }
      for (int i = from; i < from + size; i++) {
        y.values[i] = x.values[i] - largest - Math.log(sum);
      }
    }
    return y;
  }
}
