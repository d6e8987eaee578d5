package io.athanor.api.data;

/**
 * Reads some kinds of {@code tokenizer.json}; found through {@link java.util.ServiceLoader}. Cheap:
 * loads no native code until {@link #read}. Thread-safe.
 */
public interface TokenizerFormat {
  /** Whether it reads models of this type, the {@code model.type} of the file. */
  boolean reads(String modelType);

  /**
   * Reads a tokenizer.
   *
   * @param source where the JSON came from, for errors
   * @throws io.athanor.api.error.FormatException if the content is not what it should be
   * @throws io.athanor.api.error.UnsupportedException if this machine lacks what it takes
   */
  Tokenizer read(String source, String json);
}
