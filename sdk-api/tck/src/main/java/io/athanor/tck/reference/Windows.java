package io.athanor.tck.reference;

import io.athanor.api.graph.ShapeOp.Pool2d;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Operations that slide a window over an image {@code [b, c, h, w]}. */
final class Windows {
  private Windows() {}

  /** Gets every place where an element of a window meets an element of the image. */
  @FunctionalInterface
  private interface Meeting {
    /**
     * @param image index of the image's element
     * @param ky row within the window
     * @param kx column within the window
     */
    void at(int image, int ky, int kx);
  }

  private record Window(int kernelHeight, int kernelWidth, int stride, int padding) {
    int height(Array x) {
      return (x.size(2) + 2 * padding - kernelHeight) / stride + 1;
    }

    int width(Array x) {
      return (x.size(3) + 2 * padding - kernelWidth) / stride + 1;
    }

    /** Visits the elements under the window at (oy, ox), padding left out. */
    void visit(Array x, int b, int c, int oy, int ox, Meeting meeting) {
      for (int ky = 0; ky < kernelHeight; ky++) {
        for (int kx = 0; kx < kernelWidth; kx++) {
          int y = oy * stride + ky - padding;
          int column = ox * stride + kx - padding;
          if (y >= 0 && y < x.size(2) && column >= 0 && column < x.size(3)) {
            meeting.at(((b * x.size(1) + c) * x.size(2) + y) * x.size(3) + column, ky, kx);
          }
        }
      }
    }
  }

  /** Gets every window of an image. */
  @FunctionalInterface
  private interface Place {
    void at(int result, int b, int channel, int oy, int ox);
  }

  private static void everywhere(Array y, Place place) {
    int i = 0;
    for (int b = 0; b < y.size(0); b++) {
      for (int c = 0; c < y.size(1); c++) {
        for (int oy = 0; oy < y.size(2); oy++) {
          for (int ox = 0; ox < y.size(3); ox++) {
            place.at(i++, b, c, oy, ox);
          }
        }
      }
    }
  }

  static Result conv2d(Array x, Array weight, @Nullable Array bias, int stride, int padding) {
    int channels = x.size(1);
    int kernelHeight = weight.size(2);
    int kernelWidth = weight.size(3);
    Window window = new Window(kernelHeight, kernelWidth, stride, padding);
    Array y = Array.zeros(x.size(0), weight.size(0), window.height(x), window.width(x));
    everywhere(
        y,
        (at, b, out, oy, ox) -> {
          y.values[at] = bias == null ? 0 : bias.values[out];
          for (int c = 0; c < channels; c++) {
            int kernel = (out * channels + c) * kernelHeight * kernelWidth;
            window.visit(
                x,
                b,
                c,
                oy,
                ox,
                (image, ky, kx) ->
                    y.values[at] +=
                        x.values[image] * weight.values[kernel + ky * kernelWidth + kx]);
          }
        });
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          Array dWeight = weight.zerosLike();
          Array dBias = Array.zeros(weight.size(0));
          everywhere(
              y,
              (at, b, out, oy, ox) -> {
                double d = dy.values[at];
                dBias.values[out] += d;
                for (int c = 0; c < channels; c++) {
                  int kernel = (out * channels + c) * kernelHeight * kernelWidth;
                  window.visit(
                      x,
                      b,
                      c,
                      oy,
                      ox,
                      (image, ky, kx) -> {
                        int w = kernel + ky * kernelWidth + kx;
                        dx.values[image] += d * weight.values[w];
                        dWeight.values[w] += d * x.values[image];
                      });
                }
              });
          return bias == null ? List.of(dx, dWeight) : List.of(dx, dWeight, dBias);
        });
  }

  static Result pool2d(Array x, Pool2d op) {
    Window window = new Window(op.kernel(), op.kernel(), op.stride(), op.padding());
    Array y = Array.zeros(x.size(0), x.size(1), window.height(x), window.width(x));
    return op.kind() == Pool2d.Kind.MAX ? maxPool(x, window, y) : meanPool(x, window, y);
  }

  private static Result maxPool(Array x, Window window, Array y) {
    int[] winners = new int[y.count()];
    everywhere(
        y,
        (at, b, c, oy, ox) -> {
          winners[at] = -1;
          window.visit(
              x,
              b,
              c,
              oy,
              ox,
              (image, ky, kx) -> {
                if (winners[at] < 0 || x.values[image] > x.values[winners[at]]) {
                  winners[at] = image;
                }
              });
          y.values[at] = x.values[winners[at]];
        });
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          for (int i = 0; i < y.count(); i++) {
            dx.values[winners[i]] += dy.values[i];
          }
          return List.of(dx);
        });
  }

  private static Result meanPool(Array x, Window window, Array y) {
    double share = 1.0 / (window.kernelHeight() * window.kernelWidth());
    everywhere(
        y,
        (at, b, c, oy, ox) ->
            window.visit(
                x, b, c, oy, ox, (image, ky, kx) -> y.values[at] += share * x.values[image]));
    return new Result(
        y,
        dy -> {
          Array dx = x.zerosLike();
          everywhere(
              y,
              (at, b, c, oy, ox) ->
                  window.visit(
                      x,
                      b,
                      c,
                      oy,
                      ox,
                      (image, ky, kx) -> dx.values[image] += share * dy.values[at]));
          return List.of(dx);
        });
  }
}
