package io.athanor.model.text;

import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.TokenizerFormat;
import java.util.Set;

/** Makes {@link SubwordTokenizer} known to {@link io.athanor.api.data.Tokenizers}. */
public final class SubwordTokenizerFormat implements TokenizerFormat {
  /** For the {@link java.util.ServiceLoader}. */
  public SubwordTokenizerFormat() {}

  @Override
  public boolean reads(String modelType) {
    return Set.of("BPE", "WordPiece", "Unigram").contains(modelType);
  }

  @Override
  public Tokenizer read(String source, String json) {
    return SubwordTokenizer.read(source, json);
  }
}
