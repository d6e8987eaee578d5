package io.athanor.backend.djl;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.common.DType;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tries whether a device multiplies in a number format, with numbers that it holds exactly. */
final class ProductProbe {
  private static final Logger LOG = LoggerFactory.getLogger(ProductProbe.class);
  private static final int SIZE = 16;
  private static final String TEXT =
      """
      class Program(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def product(self: __torch__.Program, a: Tensor, b: Tensor, result: Tensor) -> int:
          torch.copy_(result, torch.mm(A, B))
          return 0
      """;

  private final Target target;

  ProductProbe(Target target) {
    this.target = target;
  }

  /** Whether a small product is right. */
  boolean multiplies() {
    String text =
        TEXT.replace("A,", target.rounded(target.brought("a")) + ",")
            .replace("B)", target.rounded(target.brought("b")) + ")");
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      Program program = new Program(manager, new ProgramWriter.Text(text, List.of(), false));
      HostTensor a = matrix(manager, 1);
      HostTensor b = matrix(manager, 2);
      HostTensor result = HostTensor.zeros(manager, DType.F32, SIZE, SIZE);
      try (IValue first = IValue.from(a.array());
          IValue second = IValue.from(b.array());
          IValue third = IValue.from(result.array())) {
        program.run("product", first, second, third);
      }
      return right(a.copy().floats(), b.copy().floats(), result.copy().floats());
    } catch (EngineException e) {
      LOG.debug("No {} on {}", target.products(), target.device().name(), e);
      return false;
    }
  }

  /** Integers from -2 to 2, whose sums of products stay below 256. */
  private static HostTensor matrix(PtNDManager manager, int step) {
    HostTensor matrix = HostTensor.zeros(manager, DType.F32, SIZE, SIZE);
    for (int i = 0; i < SIZE * SIZE; i++) {
      matrix.bytes().putFloat(i * Float.BYTES, (i * step + i / SIZE) % 5 - 2);
    }
    return matrix;
  }

  private static boolean right(float[] a, float[] b, float[] result) {
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < SIZE; j++) {
        float sum = 0;
        for (int k = 0; k < SIZE; k++) {
          sum += a[i * SIZE + k] * b[k * SIZE + j];
        }
        if (result[i * SIZE + j] != sum) {
          return false;
        }
      }
    }
    return true;
  }
}
