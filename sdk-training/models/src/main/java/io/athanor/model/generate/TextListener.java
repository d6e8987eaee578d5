package io.athanor.model.generate;

/**
 * Hears what a model says while it says it. Called on the thread that generates, which waits for
 * it.
 */
@FunctionalInterface
public interface TextListener {
  /**
   * A further piece of text: whole characters, and never a part of a stop string.
   *
   * @param prompt index of the prompt that it continues
   * @param piece not empty
   * @return whether to go on with this prompt
   */
  boolean accept(int prompt, String piece);
}
