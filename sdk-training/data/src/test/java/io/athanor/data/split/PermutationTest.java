package io.athanor.data.split;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PermutationTest {
  /** A changed order would end the reproducibility of every model trained before. */
  @Test
  void givesTheOrderItHasAlwaysGiven() {
    int[] values = IntStream.range(0, 10).toArray();

    Permutation.of(7, 0).shuffle(values);

    assertThat(values).containsExactly(4, 1, 9, 2, 5, 8, 0, 7, 3, 6);
  }

  @Test
  void givesEveryOrderEquallyOften() {
    Map<String, Integer> counts = new HashMap<>();
    for (int seed = 0; seed < 24_000; seed++) {
      int[] values = {0, 1, 2, 3};
      Permutation.of(seed, 0).shuffle(values);
      counts.merge(Arrays.toString(values), 1, Integer::sum);
    }

    assertThat(counts).hasSize(24);
    double chiSquare =
        counts.values().stream().mapToDouble(n -> (n - 1_000.0) * (n - 1_000.0) / 1_000).sum();
    assertThat(chiSquare).isLessThan(49.7); // 23 degrees of freedom, p = 0.001
  }

  @Test
  void shufflesOnlyTheFirstValuesWhereToldTo() {
    int[] values = IntStream.range(0, 100).toArray();

    Permutation.of(1, 2).shuffle(values, 99);

    assertThat(values[99]).isEqualTo(99);
    assertThat(values).doesNotHaveDuplicates().isNotEqualTo(IntStream.range(0, 100).toArray());
  }
}
