package io.athanor.tck.reference;

import java.util.List;

/** Recurrent layers from a zero state, with gradients back through time. */
final class Recurrent {
  private Recurrent() {}

  /** The four parameters of a layer and the sizes they imply. */
  record Cell(Array inputWeight, Array hiddenWeight, Array inputBias, Array hiddenBias) {
    int hidden() {
      return hiddenWeight.size(1);
    }

    int gates() {
      return hiddenWeight.size(0);
    }

    int in() {
      return inputWeight.size(1);
    }

    /** {@code weight x + bias} for one row, {@code x} starting at an offset. */
    private static double[] project(Array weight, Array bias, double[] x, int from) {
      int in = weight.size(1);
      double[] y = new double[weight.size(0)];
      for (int o = 0; o < y.length; o++) {
        y[o] = bias.values[o];
        for (int i = 0; i < in; i++) {
          y[o] += weight.values[o * in + i] * x[from + i];
        }
      }
      return y;
    }

    double[] fromInput(Array x, int from) {
      return project(inputWeight, inputBias, x.values, from);
    }

    double[] fromHidden(double[] h) {
      return project(hiddenWeight, hiddenBias, h, 0);
    }
  }

  /** Sums of gradients while time runs backward. */
  private static final class Gradients {
    final Cell cell;
    final Array dx;
    final Array dInputWeight;
    final Array dHiddenWeight;
    final Array dInputBias;
    final Array dHiddenBias;

    Gradients(Array x, Cell cell) {
      this.cell = cell;
      dx = x.zerosLike();
      dInputWeight = cell.inputWeight().zerosLike();
      dHiddenWeight = cell.hiddenWeight().zerosLike();
      dInputBias = cell.inputBias().zerosLike();
      dHiddenBias = cell.hiddenBias().zerosLike();
    }

    private static void project(
        Array weight, Array dWeight, Array dBias, double[] x, int from, double[] dy, double[] dx) {
      int in = weight.size(1);
      for (int o = 0; o < dy.length; o++) {
        dBias.values[o] += dy[o];
        for (int i = 0; i < in; i++) {
          dWeight.values[o * in + i] += dy[o] * x[from + i];
          dx[from + i] += dy[o] * weight.values[o * in + i];
        }
      }
    }

    void fromInput(Array x, int from, double[] dy) {
      project(cell.inputWeight(), dInputWeight, dInputBias, x.values, from, dy, dx.values);
    }

    /** Adds to the gradient of the previous state. */
    void fromHidden(double[] h, double[] dy, double[] dh) {
      project(cell.hiddenWeight(), dHiddenWeight, dHiddenBias, h, 0, dy, dh);
    }

    List<Array> all() {
      return List.of(dx, dInputWeight, dHiddenWeight, dInputBias, dHiddenBias);
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static Result lstm(Array x, Cell cell) {
    int batch = x.size(0);
    int time = x.size(1);
    int n = cell.hidden();
    // Index t + 1 holds what is known after position t; index 0 is the zero state.
    double[][][] states = new double[batch][time + 1][n];
    double[][][] memories = new double[batch][time + 1][n];
    double[][][] gates = new double[batch][time][];
    Array y = Array.zeros(batch, time, n);
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < time; t++) {
        double[] a = cell.fromInput(x, (b * time + t) * cell.in());
        double[] fromHidden = cell.fromHidden(states[b][t]);
        for (int j = 0; j < a.length; j++) {
          a[j] += fromHidden[j];
          boolean candidate = j / n == 2;
          a[j] = candidate ? Math.tanh(a[j]) : sigmoid(a[j]);
        }
        gates[b][t] = a;
        for (int j = 0; j < n; j++) {
          double c = a[n + j] * memories[b][t][j] + a[j] * a[2 * n + j];
          memories[b][t + 1][j] = c;
          states[b][t + 1][j] = a[3 * n + j] * Math.tanh(c);
          y.values[(b * time + t) * n + j] = states[b][t + 1][j];
        }
      }
    }
    return new Result(
        y,
        dy -> {
          Gradients gradients = new Gradients(x, cell);
          for (int b = 0; b < batch; b++) {
            double[] dh = new double[n];
            double[] dc = new double[n];
            for (int t = time - 1; t >= 0; t--) {
              double[] a = gates[b][t];
              double[] da = new double[a.length];
              for (int j = 0; j < n; j++) {
                double d = dh[j] + dy.values[(b * time + t) * n + j];
                double tanh = Math.tanh(memories[b][t + 1][j]);
                double in = a[j];
                double forget = a[n + j];
                double candidate = a[2 * n + j];
                double out = a[3 * n + j];
                dc[j] += d * out * (1 - tanh * tanh);
                da[j] = dc[j] * candidate * in * (1 - in);
                da[n + j] = dc[j] * memories[b][t][j] * forget * (1 - forget);
                da[2 * n + j] = dc[j] * in * (1 - candidate * candidate);
                da[3 * n + j] = d * tanh * out * (1 - out);
                dc[j] *= forget;
              }
              dh = new double[n];
              gradients.fromInput(x, (b * time + t) * cell.in(), da);
              gradients.fromHidden(states[b][t], da, dh);
            }
          }
          return gradients.all();
        });
  }

  static Result gru(Array x, Cell cell) {
    int batch = x.size(0);
    int time = x.size(1);
    int n = cell.hidden();
    double[][][] states = new double[batch][time + 1][n];
    double[][][] gates = new double[batch][time][];
    double[][][] hiddenNew = new double[batch][time][n];
    Array y = Array.zeros(batch, time, n);
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < time; t++) {
        double[] a = cell.fromInput(x, (b * time + t) * cell.in());
        double[] fromHidden = cell.fromHidden(states[b][t]);
        for (int j = 0; j < n; j++) {
          double reset = sigmoid(a[j] + fromHidden[j]);
          double update = sigmoid(a[n + j] + fromHidden[n + j]);
          hiddenNew[b][t][j] = fromHidden[2 * n + j];
          double candidate = Math.tanh(a[2 * n + j] + reset * fromHidden[2 * n + j]);
          a[j] = reset;
          a[n + j] = update;
          a[2 * n + j] = candidate;
          states[b][t + 1][j] = (1 - update) * candidate + update * states[b][t][j];
          y.values[(b * time + t) * n + j] = states[b][t + 1][j];
        }
        gates[b][t] = a;
      }
    }
    return new Result(
        y,
        dy -> {
          Gradients gradients = new Gradients(x, cell);
          for (int b = 0; b < batch; b++) {
            double[] dh = new double[n];
            for (int t = time - 1; t >= 0; t--) {
              double[] a = gates[b][t];
              double[] daInput = new double[cell.gates()];
              double[] daHidden = new double[cell.gates()];
              double[] dPrevious = new double[n];
              for (int j = 0; j < n; j++) {
                double d = dh[j] + dy.values[(b * time + t) * n + j];
                double reset = a[j];
                double update = a[n + j];
                double candidate = a[2 * n + j];
                double dCandidate = d * (1 - update) * (1 - candidate * candidate);
                double dUpdate = d * (states[b][t][j] - candidate) * update * (1 - update);
                double dReset = dCandidate * hiddenNew[b][t][j] * reset * (1 - reset);
                dPrevious[j] = d * update;
                daInput[j] = dReset;
                daInput[n + j] = dUpdate;
                daInput[2 * n + j] = dCandidate;
                daHidden[j] = dReset;
                daHidden[n + j] = dUpdate;
                daHidden[2 * n + j] = dCandidate * reset;
              }
              gradients.fromInput(x, (b * time + t) * cell.in(), daInput);
              gradients.fromHidden(states[b][t], daHidden, dPrevious);
              dh = dPrevious;
            }
          }
          return gradients.all();
        });
  }
}
