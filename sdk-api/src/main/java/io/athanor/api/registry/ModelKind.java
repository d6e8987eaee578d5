package io.athanor.api.registry;

/** How a version came about; versions of a kind lie together on disk. */
public enum ModelKind {
  /** Made from no other model that is known. */
  BASE("base"),
  /** Made from another model by training, or changed from it. */
  FINE_TUNED("fine-tuned"),
  /** Made for one purpose, which the version names. */
  SPECIALIZED("specialized");

  private final String folder;

  ModelKind(String folder) {
    this.folder = folder;
  }

  /** The name of the folder below {@code models}. */
  public String folder() {
    return folder;
  }
}
