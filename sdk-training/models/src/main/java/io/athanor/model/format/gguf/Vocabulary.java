package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tokens of a model by id, with their types.
 *
 * @param texts all different
 * @param types one for each text
 */
record Vocabulary(List<String> texts, List<TokenType> types) {
  static final String TOKENS = "tokenizer.ggml.tokens";
  static final String TYPES = "tokenizer.ggml.token_type";

  Vocabulary {
    texts = List.copyOf(texts);
    types = List.copyOf(types);
  }

  /** Reads the tokens; without types, those with a role count as control tokens. */
  static Vocabulary read(Metadata metadata) {
    List<String> texts = metadata.texts(TOKENS);
    Map<String, Integer> first = new HashMap<>();
    for (int id = 0; id < texts.size(); id++) {
      Integer other = first.put(texts.get(id), id);
      if (other != null) {
        throw new FormatException(
            metadata.source(),
            "token '" + texts.get(id) + "' occurs twice, with ids " + other + " and " + id);
      }
    }
    return new Vocabulary(texts, types(metadata, texts));
  }

  private static List<TokenType> types(Metadata metadata, List<String> texts) {
    List<TokenType> types = new ArrayList<>(texts.size());
    if (metadata.has(TYPES)) {
      metadata.integers(TYPES).forEach(id -> types.add(TokenType.of(id)));
      if (types.size() != texts.size()) {
        throw new FormatException(
            metadata.source(),
            TYPES
                + " has "
                + types.size()
                + " elements, expected one for each of the "
                + texts.size()
                + " tokens");
      }
      return types;
    }
    texts.forEach(text -> types.add(byteToken(text) ? TokenType.BYTE : TokenType.NORMAL));
    VocabularyRoles.ids(metadata, texts.size())
        .values()
        .forEach(id -> types.set(id, TokenType.CONTROL));
    return types;
  }

  int size() {
    return texts.size();
  }

  /** Whether a token only fills up the embedding's rows: {@code [PAD7]} at id 7. */
  boolean padding(int id) {
    return types.get(id) == TokenType.UNUSED && texts.get(id).equals(paddingText(id));
  }

  static String paddingText(int id) {
    return "[PAD" + id + "]";
  }

  /** Whether a text stands for one byte, as in {@code <0x0A>}. */
  static boolean byteToken(String text) {
    return text.length() == 6
        && text.startsWith("<0x")
        && text.endsWith(">")
        && Character.digit(text.charAt(3), 16) >= 0
        && Character.digit(text.charAt(4), 16) >= 0;
  }
}
