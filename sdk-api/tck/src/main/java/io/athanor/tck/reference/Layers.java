package io.athanor.tck.reference;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Operations with parameters, except convolution and recurrence. */
final class Layers {
  private Layers() {}

  /** A matrix each row of which is multiplied by a number of its own. */
  static Array scaled(Array matrix, Array scale) {
    Array product = matrix.copy();
    int width = matrix.size(1);
    for (int i = 0; i < product.count(); i++) {
      product.values[i] *= scale.values[i / width];
    }
    return product;
  }

  static Result linear(Array x, Array weight, @Nullable Array bias) {
    int out = weight.size(0);
    int in = weight.size(1);
    int rows = x.rows();
    Array y = Array.zeros(x.shapeWithLast(out));
    for (int row = 0; row < rows; row++) {
      for (int o = 0; o < out; o++) {
        double sum = bias == null ? 0 : bias.values[o];
        for (int i = 0; i < in; i++) {
          sum += weight.values[o * in + i] * x.values[row * in + i];
        }
        y.values[row * out + o] = sum;
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array dWeight = weight.zerosLike();
          Array dBias = Array.zeros(out);
          for (int row = 0; row < rows; row++) {
            for (int o = 0; o < out; o++) {
              double d = dy.values[row * out + o];
              dBias.values[o] += d;
              for (int i = 0; i < in; i++) {
                dx.values[row * in + i] += d * weight.values[o * in + i];
                dWeight.values[o * in + i] += d * x.values[row * in + i];
              }
            }
          }
          return bias == null ? List.of(dx, dWeight) : List.of(dx, dWeight, dBias);
        });
  }

  /** Ids must be checked to lie in the table. */
  static Result embedding(Array ids, Array weight) {
    int size = weight.size(1);
    int[] shape = Arrays.copyOf(ids.shape, ids.rank() + 1);
    shape[ids.rank()] = size;
    Array y = Array.zeros(shape);
    for (int i = 0; i < ids.count(); i++) {
      System.arraycopy(weight.values, ((int) ids.values[i]) * size, y.values, i * size, size);
    }
    return new Result(
        y,
        dy -> {
          Array dWeight = weight.zerosLike();
          for (int i = 0; i < ids.count(); i++) {
            for (int j = 0; j < size; j++) {
              dWeight.values[((int) ids.values[i]) * size + j] += dy.values[i * size + j];
            }
          }
          return List.of(ids.zerosLike(), dWeight);
        });
  }

  static Result layerNorm(Array x, Array weight, @Nullable Array bias, double epsilon) {
    int size = x.size(-1);
    Array normal = x.zerosLike();
    Array y = x.zerosLike();
    double[] inverse = new double[x.rows()];
    for (int row = 0; row < x.rows(); row++) {
      double mean = 0;
      for (int i = 0; i < size; i++) {
        mean += x.values[row * size + i] / size;
      }
      double variance = 0;
      for (int i = 0; i < size; i++) {
        double d = x.values[row * size + i] - mean;
        variance += d * d / size;
      }
      inverse[row] = 1 / Math.sqrt(variance + epsilon);
      for (int i = 0; i < size; i++) {
        int at = row * size + i;
        normal.values[at] = (x.values[at] - mean) * inverse[row];
        y.values[at] = normal.values[at] * weight.values[i] + (bias == null ? 0 : bias.values[i]);
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array dWeight = weight.zerosLike();
          Array dBias = weight.zerosLike();
          for (int row = 0; row < x.rows(); row++) {
            double meanD = 0;
            double meanDNormal = 0;
            for (int i = 0; i < size; i++) {
              int at = row * size + i;
              dWeight.values[i] += dy.values[at] * normal.values[at];
              dBias.values[i] += dy.values[at];
              double d = dy.values[at] * weight.values[i];
              meanD += d / size;
              meanDNormal += d * normal.values[at] / size;
            }
            for (int i = 0; i < size; i++) {
              int at = row * size + i;
              double d = dy.values[at] * weight.values[i];
              dx.values[at] = inverse[row] * (d - meanD - normal.values[at] * meanDNormal);
            }
          }
          return bias == null ? List.of(dx, dWeight) : List.of(dx, dWeight, dBias);
        });
  }

  static Result rmsNorm(Array x, Array own, double epsilon, double offset) {
    Array weight = own.map(w -> w + offset);
    int size = weight.count();
    int runs = x.count() / size;
    Array y = x.zerosLike();
    double[] inverse = new double[runs];
    for (int run = 0; run < runs; run++) {
      double meanSquare = 0;
      for (int i = 0; i < size; i++) {
        meanSquare += x.values[run * size + i] * x.values[run * size + i] / size;
      }
      inverse[run] = 1 / Math.sqrt(meanSquare + epsilon);
      for (int i = 0; i < size; i++) {
        y.values[run * size + i] = x.values[run * size + i] * inverse[run] * weight.values[i];
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array dWeight = weight.zerosLike();
          for (int run = 0; run < runs; run++) {
            double meanDNormal = 0;
            for (int i = 0; i < size; i++) {
              int at = run * size + i;
              double normal = x.values[at] * inverse[run];
              dWeight.values[i] += dy.values[at] * normal;
              meanDNormal += dy.values[at] * weight.values[i] * normal / size;
            }
            for (int i = 0; i < size; i++) {
              int at = run * size + i;
              double d = dy.values[at] * weight.values[i];
              dx.values[at] = inverse[run] * (d - x.values[at] * inverse[run] * meanDNormal);
            }
          }
          return List.of(dx, dWeight);
        });
  }

  /** Adapters must be checked to exist. */
  static Result adapterLinear(Array x, Array adapters, Array a, Array b) {
    int time = x.size(1);
    int in = x.size(2);
    int rank = a.size(1);
    int out = b.size(1);
    Array middle = Array.zeros(x.shapeWithLast(rank));
    Array y = Array.zeros(x.shapeWithLast(out));
    for (int row = 0; row < x.rows(); row++) {
      int adapter = (int) adapters.values[row / time];
      for (int r = 0; r < rank; r++) {
        for (int i = 0; i < in; i++) {
          middle.values[row * rank + r] +=
              a.values[(adapter * rank + r) * in + i] * x.values[row * in + i];
        }
        for (int o = 0; o < out; o++) {
          y.values[row * out + o] +=
              b.values[(adapter * out + o) * rank + r] * middle.values[row * rank + r];
        }
      }
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array da = a.zerosLike();
          Array db = b.zerosLike();
          for (int row = 0; row < x.rows(); row++) {
            int adapter = (int) adapters.values[row / time];
            for (int r = 0; r < rank; r++) {
              double dMiddle = 0;
              for (int o = 0; o < out; o++) {
                int at = (adapter * out + o) * rank + r;
                dMiddle += b.values[at] * dy.values[row * out + o];
                db.values[at] += middle.values[row * rank + r] * dy.values[row * out + o];
              }
              for (int i = 0; i < in; i++) {
                int at = (adapter * rank + r) * in + i;
                dx.values[row * in + i] += a.values[at] * dMiddle;
                da.values[at] += x.values[row * in + i] * dMiddle;
              }
            }
          }
          return List.of(dx, adapters.zerosLike(), da, db);
        });
  }

  static Result virtualTokens(Array x, Array weight) {
    int count = weight.size(0);
    int size = weight.size(1);
    Array before = Array.zeros(x.size(0), count, size);
    for (int i = 0; i < before.count(); i++) {
      before.values[i] = weight.values[i % weight.count()];
    }
    Result joined = Axes.concat(List.of(before, x), 1);
    return new Result(
        joined.value(),
        dy -> {
          List<Array> both = joined.backward().apply(dy);
          Array dWeight = weight.zerosLike();
          for (int i = 0; i < before.count(); i++) {
            dWeight.values[i % weight.count()] += both.get(0).values[i];
          }
          return List.of(both.get(1), dWeight);
        });
  }

  /**
   * The mean and biased variance of each channel, channels on axis 1.
   *
   * @param count elements per channel
   */
  record Moments(Array mean, Array variance, int count) {
    static Moments of(Array x) {
      int channels = x.size(1);
      int inner = x.count() / (x.size(0) * channels);
      int count = x.count() / channels;
      Array mean = Array.zeros(channels);
      Array variance = Array.zeros(channels);
      for (int i = 0; i < x.count(); i++) {
        mean.values[i / inner % channels] += x.values[i] / count;
      }
      for (int i = 0; i < x.count(); i++) {
        double d = x.values[i] - mean.values[i / inner % channels];
        variance.values[i / inner % channels] += d * d / count;
      }
      return new Moments(mean, variance, count);
    }

    Array unbiasedVariance() {
      return variance.map(v -> v * count / (count - 1));
    }
  }

  /**
   * @param ofBatch whether the moments are those of {@code x} itself, so that gradients go through
   *     them too
   */
  static Result batchNorm(
      Array x, Array weight, Array bias, Moments moments, boolean ofBatch, double epsilon) {
    int channels = x.size(1);
    int inner = x.count() / (x.size(0) * channels);
    Array normal = x.zerosLike();
    Array y = x.zerosLike();
    for (int i = 0; i < x.count(); i++) {
      int c = i / inner % channels;
      normal.values[i] =
          (x.values[i] - moments.mean().values[c])
              / Math.sqrt(moments.variance().values[c] + epsilon);
      y.values[i] = normal.values[i] * weight.values[c] + bias.values[c];
    }
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array dWeight = weight.zerosLike();
          Array dBias = bias.zerosLike();
          for (int i = 0; i < x.count(); i++) {
            int c = i / inner % channels;
            dWeight.values[c] += dy.values[i] * normal.values[i];
            dBias.values[c] += dy.values[i];
          }
          int count = x.count() / channels;
          for (int i = 0; i < x.count(); i++) {
            int c = i / inner % channels;
            double throughMoments =
                ofBatch ? (dBias.values[c] + normal.values[i] * dWeight.values[c]) / count : 0;
            dx.values[i] =
                weight.values[c]
                    / Math.sqrt(moments.variance().values[c] + epsilon)
                    * (dy.values[i] - throughMoments);
          }
          Array none = Array.zeros(channels);
          return List.of(dx, dWeight, dBias, none, none);
        });
  }
}
