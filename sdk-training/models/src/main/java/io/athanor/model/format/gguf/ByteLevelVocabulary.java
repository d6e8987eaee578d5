package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Byte-level BPE, which GGUF calls {@code gpt2}: tokens and merges as Hugging Face has them. */
final class ByteLevelVocabulary {
  static final String KIND = "gpt2";
  private static final String MERGES = "tokenizer.ggml.merges";
  private static final String PRE = "tokenizer.ggml.pre";

  private ByteLevelVocabulary() {}

  static String toJson(Metadata metadata, Vocabulary vocabulary) {
    PreTokenizer cut =
        PreTokenizer.named(metadata.optionalText(PRE).orElse("default"), metadata.source());
    return TokenizerJson.whole(
        vocabulary,
        cut.normalizerJson(),
        cut.json(),
        TokenizerJson.template(vocabulary, metadata, cut.bosUsual()),
        TokenizerJson.step(
            "ByteLevel", "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true"),
        TokenizerJson.bpe(vocabulary, merges(metadata), null, false, cut.ignoreMerges()));
  }

  private static List<Merge> merges(Metadata metadata) {
    List<Merge> merges = new ArrayList<>();
    for (String text : metadata.texts(MERGES)) {
      int space = text.indexOf(' ', 1);
      if (space < 0 || space == text.length() - 1) {
        throw new FormatException(
            metadata.source(),
            MERGES + " must hold two tokens with a space between them, got '" + text + "'");
      }
      merges.add(new Merge(text.substring(0, space), text.substring(space + 1)));
    }
    return merges;
  }

  static Map<String, Object> metadata(GivenTokenizer tokenizer, Vocabulary vocabulary) {
    PreTokenizer cut =
        PreTokenizer.of(tokenizer.part("normalizer"), tokenizer.part("pre_tokenizer"))
            .orElseThrow(
                () ->
                    tokenizer.unsupported(
                        "this way to cut texts, for which it has no name: "
                            + tokenizer.part("normalizer")
                            + ", "
                            + tokenizer.part("pre_tokenizer")));
    List<String> merges = new ArrayList<>();
    for (Merge merge : tokenizer.merges()) {
      if (merge.joined().indexOf(' ') >= 0) {
        throw tokenizer.unsupported("merges of tokens that contain a space: " + merge);
      }
      merges.add(merge.left() + " " + merge.right());
    }
    Map<String, Object> values = new LinkedHashMap<>();
    values.put(Vocabularies.KIND, KIND);
    values.put(PRE, cut.ggufName());
    values.put(Vocabulary.TOKENS, vocabulary.texts());
    values.put(MERGES, merges);
    return values;
  }
}
