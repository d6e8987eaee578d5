package io.athanor.api.graph;

/**
 * A value the caller supplies for every batch.
 *
 * @param name the key under which batches carry it
 * @param type element type and shape, usually with a symbolic batch size
 * @param role whether it is known at prediction time
 */
public record Input(String name, TensorType type, Role role) {
  /** When an input is known. */
  public enum Role {
    /** Needed to predict. */
    FEATURE,
    /** Needed only for the loss. */
    TARGET
  }
}
