package io.athanor.data.quality;

import io.athanor.api.data.Column;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Collects a {@link DataProfile} from rows seen once. Used by one thread. */
public final class Profiler {
  private static final int CATEGORIES_SHOWN = 1_000;
  private static final int CATEGORIES_COUNTED = 100_000;

  private final List<Counter> counters;
  private long rows;

  public Profiler(Schema schema) {
    this.counters = schema.columns().stream().map(Profiler::counter).toList();
  }

  private static Counter counter(Column column) {
    return switch (column.type()) {
      case NUMBER -> new NumberCounter(column.name());
      case CATEGORY -> new CategoryCounter(column.name());
      case TEXT -> new TextCounter(column.name());
      case IMAGE -> new ImageCounter(column.name());
    };
  }

  /** Sees a row. */
  public void add(Row row) {
    rows++;
    for (Counter counter : counters) {
      Object cell = row.cell(counter.name);
      if (cell == null) {
        counter.missing++;
      } else {
        counter.add(cell);
      }
    }
  }

  /** The profile of the rows seen. */
  public DataProfile finish(String source, long quarantined) {
    return new DataProfile(
        source, rows, quarantined, counters.stream().map(Counter::profile).toList());
  }

  private abstract static class Counter {
    final String name;
    long missing;

    Counter(String name) {
      this.name = name;
    }

    abstract void add(Object cell);

    abstract ColumnProfile profile();
  }

  private static final class NumberCounter extends Counter {
    private final Moments moments = new Moments();
    private double minimum = Double.NaN;
    private double maximum = Double.NaN;

    NumberCounter(String name) {
      super(name);
    }

    @Override
    void add(Object cell) {
      double number = (Double) cell;
      minimum = moments.count() == 0 ? number : Math.min(minimum, number);
      maximum = moments.count() == 0 ? number : Math.max(maximum, number);
      moments.add(number);
    }

    @Override
    ColumnProfile profile() {
      return new ColumnProfile.Numbers(
          name, missing, minimum, moments.mean(), maximum, moments.deviation());
    }
  }

  private static final class CategoryCounter extends Counter {
    private final Map<String, Long> counts = new HashMap<>();

    CategoryCounter(String name) {
      super(name);
    }

    @Override
    void add(Object cell) {
      String category = (String) cell;
      if (counts.size() < CATEGORIES_COUNTED || counts.containsKey(category)) {
        counts.merge(category, 1L, Long::sum);
      }
    }

    @Override
    ColumnProfile profile() {
      Map<String, Long> shown = new LinkedHashMap<>();
      counts.entrySet().stream()
          .sorted(
              Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                  .thenComparing(Map.Entry.comparingByKey()))
          .limit(CATEGORIES_SHOWN)
          .forEach(e -> shown.put(e.getKey(), e.getValue()));
      return new ColumnProfile.Categories(name, missing, shown, counts.size());
    }
  }

  private static final class TextCounter extends Counter {
    private long count;
    private long characters;
    private int shortest = Integer.MAX_VALUE;
    private int longest;

    TextCounter(String name) {
      super(name);
    }

    @Override
    void add(Object cell) {
      int length = ((String) cell).length();
      count++;
      characters += length;
      shortest = Math.min(shortest, length);
      longest = Math.max(longest, length);
    }

    @Override
    ColumnProfile profile() {
      return count == 0
          ? new ColumnProfile.Texts(name, missing, 0, 0, 0)
          : new ColumnProfile.Texts(name, missing, shortest, (double) characters / count, longest);
    }
  }

  private static final class ImageCounter extends Counter {
    private @Nullable Pixels first;

    ImageCounter(String name) {
      super(name);
    }

    @Override
    void add(Object cell) {
      if (first == null) {
        first = (Pixels) cell;
      }
    }

    @Override
    ColumnProfile profile() {
      return first == null
          ? new ColumnProfile.Images(name, missing, 0, 0, 0)
          : new ColumnProfile.Images(
              name, missing, first.width(), first.height(), first.channels());
    }
  }
}
