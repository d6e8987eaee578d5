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

/** Tries whether a product is right, with numbers that its format holds exactly. */
final class ProductProbe {
  private static final Logger LOG = LoggerFactory.getLogger(ProductProbe.class);
  private static final int ROWS = 16;
  private static final int INNER = 32;
  private static final String TEXT =
      """
      class Program(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
      ATTRIBUTES  def multiply(self: __torch__.Program, a: Tensor, b: Tensor, result: Tensor) -> int:
      PRODUCT    return 0
      """;

  private final String product;
  private final ProgramWriter.Text program;

  private ProductProbe(
      String product, String statements, List<String> attributes, String declarations) {
    this.product = product;
    String text = TEXT.replace("ATTRIBUTES", declarations).replace("PRODUCT", statements);
    program = new ProgramWriter.Text(text, attributes, false);
  }

  /** One of a device in a number format. */
  static ProductProbe of(Target target) {
    String a = target.rounded(target.brought("a"));
    String b = target.rounded(target.brought("b"));
    return new ProductProbe(
        target.products() + " on " + target.device().name(),
        "    torch.copy_(result, torch.mm(" + a + ", torch.t(" + b + ")))\n",
        List.of(),
        "");
  }

  /** One with a matrix of a few bits. */
  static ProductProbe of(QuantizedProduct product) {
    String matrices = product.attribute();
    String call = "self." + product.product() + "(torch.unsqueeze(a, 0), 0)";
    return new ProductProbe(
        product.name(),
        ("    self." + matrices + " = annotate(" + product.type + ", [])\n")
            + ("    self." + product.round() + "(b)\n")
            + ("    torch.copy_(result, torch.select(" + call + ", 0, 0))\n"),
        List.of(matrices),
        "  " + matrices + " : " + product.type + "\n" + product.methods());
  }

  /** Whether a small product is right. */
  boolean multiplies() {
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      Program loaded = new Program(manager, program);
      HostTensor a = matrix(manager, 5, 2);
      HostTensor b = matrix(manager, 16, 8);
      HostTensor result = HostTensor.zeros(manager, DType.F32, ROWS, ROWS);
      try (IValue first = IValue.from(a.array());
          IValue second = IValue.from(b.array());
          IValue third = IValue.from(result.array())) {
        loaded.run("multiply", first, second, third);
      }
      return right(a.copy().floats(), b.copy().floats(), result.copy().floats());
    } catch (EngineException e) {
      LOG.debug("No product {}", product, e);
      return false;
    }
  }

  /**
   * Integers from {@code -offset}, {@code count} of them in each row, whose sums of products stay
   * below 256.
   */
  private static HostTensor matrix(PtNDManager manager, int count, int offset) {
    HostTensor matrix = HostTensor.zeros(manager, DType.F32, ROWS, INNER);
    for (int i = 0; i < ROWS * INNER; i++) {
      matrix.bytes().putFloat(i * Float.BYTES, (3 * i + i / INNER) % count - offset);
    }
    return matrix;
  }

  private static boolean right(float[] a, float[] b, float[] result) {
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < ROWS; j++) {
        float sum = 0;
        for (int k = 0; k < INNER; k++) {
          sum += a[i * INNER + k] * b[j * INNER + k];
        }
        if (result[i * ROWS + j] != sum) {
          return false;
        }
      }
    }
    return true;
  }
}
