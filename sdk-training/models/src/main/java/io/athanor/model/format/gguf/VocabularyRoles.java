package io.athanor.model.format.gguf;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tokens with a role: GGUF names their ids, Hugging Face their texts. */
final class VocabularyRoles {
  private static final Map<String, String> KEYS = keys();

  private VocabularyRoles() {}

  private static Map<String, String> keys() {
    Map<String, String> keys = new LinkedHashMap<>();
    keys.put("bos_token", "tokenizer.ggml.bos_token_id");
    keys.put("eos_token", "tokenizer.ggml.eos_token_id");
    keys.put("unk_token", "tokenizer.ggml.unknown_token_id");
    keys.put("pad_token", "tokenizer.ggml.padding_token_id");
    keys.put("sep_token", "tokenizer.ggml.seperator_token_id");
    keys.put("cls_token", "tokenizer.ggml.cls_token_id");
    keys.put("mask_token", "tokenizer.ggml.mask_token_id");
    return keys;
  }

  /** The ids by role, as far as the file names them. */
  static Map<String, Integer> ids(Metadata metadata, int tokens) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    KEYS.forEach(
        (role, key) -> {
          // Some files mark an absent role by the largest unsigned number.
          if (metadata.optional(key).filter(id -> !id.equals(0xffffffffL)).isPresent()) {
            int id = metadata.integer(key);
            if (id < 0 || id >= tokens) {
              throw metadata.fail(key, "the id of one of the " + tokens + " tokens", id);
            }
            ids.put(role, id);
          }
        });
    return ids;
  }

  /** The texts by role. */
  static Map<String, String> texts(Metadata metadata, List<String> tokens) {
    Map<String, String> texts = new LinkedHashMap<>();
    ids(metadata, tokens.size()).forEach((role, id) -> texts.put(role, tokens.get(id)));
    return texts;
  }

  static Optional<String> key(String role) {
    return Optional.ofNullable(KEYS.get(role));
  }
}
