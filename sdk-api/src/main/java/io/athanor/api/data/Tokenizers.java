package io.athanor.api.data;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.UnsupportedException;
import java.util.ServiceLoader;

/** Reads the content of a {@code tokenizer.json}, whatever its kind. */
public final class Tokenizers {
  private static final String WORDS = "WordLevel";

  private Tokenizers() {}

  /**
   * Reads a tokenizer.
   *
   * @param source where the JSON came from, for errors
   * @throws io.athanor.api.error.FormatException if the content is not what it should be
   * @throws UnsupportedException if no library on the class path reads this kind
   */
  public static Tokenizer read(String source, String json) {
    JsonFields model = JsonFields.parse(source, json).object("model");
    String type = model.has("type") ? model.text("type") : "BPE";
    if (type.equals(WORDS)) {
      return WordTokenizer.read(source, json);
    }
    for (TokenizerFormat format : ServiceLoader.load(TokenizerFormat.class)) {
      if (format.reads(type)) {
        return format.read(source, json);
      }
    }
    throw new UnsupportedException(
        "the tokenizer in " + source + " is of type '" + type + "', and none installed reads that",
        "Add the artifact io.athanor:models to the class path");
  }
}
