package io.athanor.api.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class QuantileSketchTest {
  @Test
  void fewNumbersHaveTheirExactRanks() {
    QuantileSketch sketch = of(5, 1, 3, 3, 2);

    assertThat(sketch.count()).isEqualTo(5);
    assertThat(sketch.rank(0.5)).isZero();
    assertThat(sketch.rank(1)).isEqualTo(0.2);
    assertThat(sketch.rank(3)).isEqualTo(0.8);
    assertThat(sketch.rank(5)).isEqualTo(1);
    assertThat(sketch.quantile(0)).isEqualTo(1);
    assertThat(sketch.quantile(0.5)).isEqualTo(3);
    assertThat(sketch.quantile(1)).isEqualTo(5);
  }

  @Test
  void ranksOfAMillionNumbersAreWithinOneInAHundredWhateverTheirOrder() {
    int n = 1_000_000;
    Random random = new Random(1);
    double[] skewed = random.doubles(n).map(u -> Math.exp(8 * u)).toArray();
    double[] ascending = skewed.clone();
    Arrays.sort(ascending);
    double[] discrete = random.doubles(n).map(u -> Math.floor(10 * u * u)).toArray();
    for (double[] numbers : new double[][] {skewed, ascending, discrete}) {
      QuantileSketch sketch = of(numbers);
      double[] sorted = numbers.clone();
      Arrays.sort(sorted);
      for (int i = 0; i <= 1_000; i++) {
        double at = sorted[Math.min(n - 1, i * (n / 1_000))];
        assertThat(sketch.rank(at)).isCloseTo(exactRank(sorted, at), within(0.01));
      }
      assertThat(sketch.quantile(0)).isEqualTo(sorted[0]);
      assertThat(sketch.quantile(1)).isEqualTo(sorted[n - 1]);
    }
  }

  @Test
  void aDistributionHasEachCutOnceWithTheShareUpToIt() {
    Distribution.Numbers spread =
        of(DoubleStream.generate(() -> 0).limit(900).toArray(), 1, 1, 1, 2).distribution();

    assertThat(spread.count()).isEqualTo(904);
    assertThat(spread.cuts()).containsExactly(0.0, 2.0);
    assertThat(spread.upTo()).containsExactly(900.0 / 904, 1.0);
  }

  @Test
  void equalNumbersGiveEqualDistributions() {
    double[] numbers = new Random(3).doubles(50_000).toArray();

    assertThat(of(numbers).distribution()).isEqualTo(of(numbers).distribution());
    assertThat(of(numbers).distribution().cuts()).hasSize(50);
  }

  @Test
  void withoutNumbersThereAreNoCuts() {
    assertThat(new QuantileSketch().distribution().cuts()).isEmpty();
    assertThat(new QuantileSketch().rank(1)).isNaN();
    assertThat(new QuantileSketch().quantile(0.5)).isNaN();
  }

  @Test
  void refusesWhatIsNoNumber() {
    assertThatThrownBy(() -> of(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("number must be finite, got NaN");
    assertThatThrownBy(() -> of(1).quantile(1.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share must be in [0, 1], got 1.5");
  }

  private static QuantileSketch of(double[] first, double... more) {
    QuantileSketch sketch = of(first);
    Arrays.stream(more).forEach(sketch::add);
    return sketch;
  }

  private static QuantileSketch of(double... numbers) {
    QuantileSketch sketch = new QuantileSketch();
    Arrays.stream(numbers).forEach(sketch::add);
    return sketch;
  }

  private static double exactRank(double[] sorted, double at) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] <= at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return (double) low / sorted.length;
  }
}
