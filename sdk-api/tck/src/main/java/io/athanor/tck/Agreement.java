package io.athanor.tck;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Weights;
import java.util.Arrays;
import java.util.Map;

/** Asserts that tensors are the same but for rounding. */
final class Agreement {
  private Agreement() {}

  /** Same names, types and shapes, and values that agree. */
  static void assertAgree(
      Map<String, Tensor> expected, Map<String, Tensor> actual, double tolerance) {
    assertThat(actual.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    actual.forEach((name, tensor) -> assertAgree(name, of(expected, name), tensor, tolerance));
  }

  private static Tensor of(Map<String, Tensor> tensors, String name) {
    return Weights.of(tensors).tensor(name);
  }

  /** Same names, types and shapes, and values that agree. */
  static void assertAgree(Weights expected, Weights actual, double tolerance) {
    assertAgree(expected.tensors(), actual.tensors(), tolerance);
  }

  /**
   * @param tolerance largest difference, as a share of the largest expected value or of 1
   */
  static void assertAgree(String name, Tensor expected, Tensor actual, double tolerance) {
    assertThat(actual.toString()).as("type of '%s'", name).isEqualTo(expected.toString());
    if (expected.dtype() == DType.I64) {
      assertThat(actual.longs()).as("values of '%s'", name).isEqualTo(expected.longs());
      return;
    }
    float[] wanted = expected.floats();
    float[] got = actual.floats();
    double scale = 1;
    for (float value : wanted) {
      scale = Math.max(scale, Math.abs((double) value));
    }
    for (int i = 0; i < wanted.length; i++) {
      if (!(Math.abs((double) got[i] - wanted[i]) <= tolerance * scale)) {
        throw new AssertionError(
            String.format(
                "'%s' %s differs at element %d: expected %s, got %s%nexpected %s%ngot %s",
                name,
                expected,
                i,
                wanted[i],
                got[i],
                Arrays.toString(wanted),
                Arrays.toString(got)));
      }
    }
  }

  /** Two numbers that agree, {@code tolerance} being relative where they are above 1. */
  static void assertAgree(String name, double expected, double actual, double tolerance) {
    assertThat(Math.abs(actual - expected))
        .as("%s: expected %s, got %s", name, expected, actual)
        .isLessThanOrEqualTo(tolerance * Math.max(1, Math.abs(expected)));
  }
}
