package io.athanor.api.error;

/** A graph that cannot be built, or inputs that do not fit a graph; names the layer. */
public final class GraphException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final String layer;

  /**
   * @param layer the layer, input or parameter where it went wrong
   * @param problem what was expected there and what was found
   */
  public GraphException(String layer, String problem) {
    super("At '" + layer + "': " + problem, false);
    this.layer = layer;
  }

  /** The layer, input or parameter where it went wrong. */
  public String layer() {
    return layer;
  }
}
