package io.athanor.deploy.serve;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.List;

/**
 * The adapters of one deployment that are in memory: those used last, within the catalog's budget.
 * Callers that ask for one at the same time read it once; what fails is told to all of them and
 * tried again by the next. Thread-safe.
 */
final class ServedAdapters {
  private static final int UNIT = 1_024;

  private final AdapterCatalog catalog;
  private final AdaptedBase base;
  private final Cache<AdapterCatalog.Entry, PlacedAdapter> read;

  ServedAdapters(AdapterCatalog catalog, AdaptedBase base) {
    this.catalog = catalog;
    this.base = base;
    this.read =
        Caffeine.newBuilder()
            .maximumWeight(catalog.memory() / UNIT)
            .weigher((AdapterCatalog.Entry entry, PlacedAdapter adapter) -> units(adapter))
            .executor(Runnable::run)
            .build();
  }

  private static int units(PlacedAdapter adapter) {
    return (int) Math.min(Integer.MAX_VALUE, 1 + adapter.bytes() / UNIT);
  }

  List<String> names() {
    return catalog.names();
  }

  /**
   * An adapter, read if it is not in memory.
   *
   * @throws io.athanor.api.error.NotFoundException if the catalog has none of this name
   * @throws io.athanor.api.error.AthanorException as {@link AdaptedBase#read}
   */
  PlacedAdapter read(String name) {
    return read.get(catalog.entry(name), base::read);
  }
}
