package io.athanor.api.registry;

/** How a version was made from its parent. */
public enum Relation {
  /** Nobody said how. */
  DERIVED,
  /** Trained further. */
  CONTINUED,
  /** The parent's weights with small ones beside them that were trained, for example LoRA. */
  ADAPTER,
  /** The parent with an adapter's weights added to its own. */
  MERGED,
  /** The same weights in a smaller number format. */
  QUANTIZED,
  /** Parts were removed. */
  PRUNED,
  /** Trained to answer as the parent does. */
  DISTILLED
}
