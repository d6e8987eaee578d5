package io.athanor.deploy.serve;

import io.athanor.api.common.Tensor;
import java.util.Map;

/**
 * An adapter in memory, made to fit its places in the engine.
 *
 * @param entry what it was read from
 * @param entries by stack
 */
record PlacedAdapter(AdapterCatalog.Entry entry, Map<String, Tensor> entries) {
  /** What it takes. */
  long bytes() {
    return entries.values().stream().mapToLong(tensor -> tensor.elements() * Float.BYTES).sum();
  }
}
