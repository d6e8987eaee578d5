package io.athanor.model.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The content of a {@code tokenizer.json} as far as Java needs to know it. What the native library
 * answers with the end of the process instead of an error is refused here.
 *
 * @param ids of all tokens, added ones included
 * @param size one more than the greatest id
 * @param unknown the id of what is not in the vocabulary, if there is one
 * @param padding the id that fills the end of sequences
 * @param plain the JSON without truncation, padding and dropout, which would make the result depend
 *     on more than the text
 */
record TokenizerJson(
    Map<String, Integer> ids, int size, @Nullable Integer unknown, int padding, String plain) {
  private static final ObjectMapper JSON = new ObjectMapper();
  static final int MAXIMUM_ID = 1 << 24;

  /** What models that were not given a padding token of their own are padded with. */
  private static final List<String> PADDINGS =
      List.of(
          "[PAD]",
          "<pad>",
          "<|pad|>",
          "<|padding|>",
          "<|finetune_right_pad_id|>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "</s>",
          "<|im_end|>");

  static TokenizerJson read(String source, String json) {
    JsonNode root;
    try {
      root = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new FormatException(source, "not JSON: " + e.getOriginalMessage(), e);
    }
    if (!(root instanceof ObjectNode object) || !(root.get("model") instanceof ObjectNode model)) {
      throw new FormatException(source, "expected an object with the entry 'model'");
    }
    Map<String, Integer> ids = new Vocabulary(source).of(model.path("vocab"));
    Integer unknown = unknown(source, model, ids);
    int next = ids.size();
    for (JsonNode added : root.path("added_tokens")) {
      next = add(source, ids, added, next);
    }
    new FatalContent(source).refuse(root);
    int size = 0;
    for (int id : ids.values()) {
      size = Math.max(size, id + 1);
    }
    int padding = padding(source, root, ids);
    boolean asItIs = true;
    for (ObjectNode holder : List.of(object, model)) {
      for (String entry : List.of("truncation", "padding", "dropout")) {
        if (holder.hasNonNull(entry)) {
          holder.putNull(entry);
          asItIs = false;
        }
      }
    }
    return new TokenizerJson(ids, size, unknown, padding, asItIs ? json : object.toString());
  }

  /** The entries of a vocabulary. */
  private record Vocabulary(String source) {
    Map<String, Integer> of(JsonNode entries) {
      Map<String, Integer> ids = new HashMap<>();
      Set<Integer> seen = new HashSet<>();
      if (entries.isObject()) {
        entries
            .properties()
            .forEach(e -> ids.put(e.getKey(), unique(e.getKey(), e.getValue(), seen)));
      } else if (entries.isArray()) {
        for (int i = 0; i < entries.size(); i++) {
          JsonNode entry = entries.get(i);
          if (entry.size() != 2 || !entry.path(0).isTextual() || !entry.path(1).isNumber()) {
            throw new FormatException(
                source, "model.vocab[" + i + "]: expected a token and its score, got " + entry);
          }
          ids.putIfAbsent(entry.get(0).textValue(), i);
        }
      }
      if (ids.isEmpty()) {
        throw new FormatException(
            source, "model.vocab: expected tokens with their ids or scores, got none");
      }
      return ids;
    }

    private int unique(String token, JsonNode value, Set<Integer> seen) {
      int id = id(source, "model.vocab", token, value);
      if (!seen.add(id)) {
        throw new FormatException(source, "model.vocab: two tokens have the id " + id);
      }
      return id;
    }
  }

  private static int id(String source, String place, String token, JsonNode value) {
    if (!value.isInt() || value.intValue() < 0 || value.intValue() >= MAXIMUM_ID) {
      throw new FormatException(
          source,
          place + ": expected an id in [0, " + MAXIMUM_ID + ") for '" + token + "', got " + value);
    }
    return value.intValue();
  }

  private static @Nullable Integer unknown(
      String source, JsonNode model, Map<String, Integer> ids) {
    boolean required = model.path("type").asText().equals("WordPiece");
    if (model.hasNonNull("unk_id")) {
      JsonNode id = model.get("unk_id");
      if (!id.isInt() || id.intValue() < 0 || id.intValue() >= model.path("vocab").size()) {
        throw new FormatException(source, "model.unk_id: no token has the id " + id);
      }
      return id.intValue();
    }
    if (!required && !model.hasNonNull("unk_token")) {
      return null;
    }
    Integer id = ids.get(model.path("unk_token").asText());
    if (id == null) {
      throw new FormatException(
          source,
          "model.unk_token: expected a token of the vocabulary, got " + model.path("unk_token"));
    }
    return id;
  }

  /** Adds a token with the id that the library gives it; returns the next free id. */
  private static int add(String source, Map<String, Integer> ids, JsonNode added, int next) {
    JsonNode content = added.path("content");
    if (!content.isTextual()) {
      throw new FormatException(source, "added_tokens: expected 'content', got " + added);
    }
    id(source, "added_tokens", content.textValue(), added.path("id"));
    return content.textValue().isEmpty() || ids.putIfAbsent(content.textValue(), next) != null
        ? next
        : next + 1;
  }

  private static int padding(String source, JsonNode root, Map<String, Integer> ids) {
    JsonNode id = root.path("padding").path("pad_id");
    if (id.isNumber()) {
      if (!ids.containsValue(id.intValue())) {
        throw new FormatException(source, "padding.pad_id: no token has the id " + id);
      }
      return id.intValue();
    }
    return PADDINGS.stream().filter(ids::containsKey).findFirst().map(ids::get).orElse(0);
  }
}
