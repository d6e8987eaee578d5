package io.athanor.deploy.serve;

import io.athanor.model.generate.GenerationBatch;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Which adapters stand where in the engine; the one that was used longest ago makes place for
 * another. Number 0 is no adapter. Not thread-safe.
 */
final class AdapterPlaces {
  private final GenerationBatch batch;
  private final Deque<Integer> free = new ArrayDeque<>();
  private final Map<AdapterCatalog.Entry, Integer> numbers = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * @param places numbers from 1 on
   */
  AdapterPlaces(GenerationBatch batch, int places) {
    this.batch = batch;
    for (int number = 1; number <= places; number++) {
      free.add(number);
    }
  }

  /**
   * The number of an adapter, which is written into the engine if it is not there.
   *
   * @param inUse adapters that must stay; fewer than there are places
   */
  int place(PlacedAdapter adapter, Set<AdapterCatalog.Entry> inUse) {
    Integer known = numbers.get(adapter.entry());
    if (known != null) {
      return known;
    }
    if (free.isEmpty()) {
      AdapterCatalog.Entry oldest =
          numbers.keySet().stream()
              .filter(entry -> !inUse.contains(entry))
              .findFirst()
              .orElseThrow();
      free.add(Objects.requireNonNull(numbers.remove(oldest)));
    }
    batch.replaceAdapter(free.element(), adapter.entries());
    numbers.put(adapter.entry(), free.element());
    return free.remove();
  }
}
