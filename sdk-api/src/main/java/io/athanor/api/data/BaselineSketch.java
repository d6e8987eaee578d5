package io.athanor.api.data;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Collects a {@link Baseline} from any number of rows in bounded memory: about 12 KiB for a trait
 * of numbers, and at most a thousand words for a trait of words, of which the hundred most frequent
 * are kept. Used by one thread.
 */
public final class BaselineSketch implements Traits.Observer {
  private static final int WORDS_COUNTED = 1_000;
  private static final int WORDS_KEPT = 100;

  private final Map<Trait, QuantileSketch> numbers = new LinkedHashMap<>();
  private final Map<Trait, FrequentWords> words = new LinkedHashMap<>();

  public BaselineSketch() {}

  @Override
  public void number(Trait trait, double value) {
    numbers.computeIfAbsent(trait, t -> new QuantileSketch()).add(value);
  }

  @Override
  public void category(Trait trait, String value) {
    words.computeIfAbsent(trait, t -> new FrequentWords()).add(value);
  }

  /** What was seen so far. */
  public Baseline baseline() {
    Map<Trait, Distribution> all = new LinkedHashMap<>();
    numbers.forEach((trait, sketch) -> all.put(trait, sketch.distribution()));
    words.forEach((trait, sketch) -> all.put(trait, sketch.distribution()));
    return new Baseline(all);
  }

  /**
   * Counts that are too small by at most a thousandth of all words (Misra and Gries, "Finding
   * repeated elements", 1982); exact up to a thousand different ones.
   */
  private static final class FrequentWords {
    private final Map<String, Long> counts = new HashMap<>();
    private long all;

    void add(String word) {
      all++;
      if (counts.size() < WORDS_COUNTED || counts.containsKey(word)) {
        counts.merge(word, 1L, Long::sum);
      } else {
        counts.replaceAll((known, count) -> count - 1);
        counts.values().removeIf(count -> count == 0);
      }
    }

    Distribution.Categories distribution() {
      Map<String, Long> kept = new LinkedHashMap<>();
      counts.entrySet().stream()
          .sorted(
              Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                  .thenComparing(Map.Entry.comparingByKey()))
          .limit(WORDS_KEPT)
          .forEach(e -> kept.put(e.getKey(), e.getValue()));
      long sum = kept.values().stream().mapToLong(Long::longValue).sum();
      return new Distribution.Categories(kept, all - sum);
    }
  }
}
