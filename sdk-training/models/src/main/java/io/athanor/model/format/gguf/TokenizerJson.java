package io.athanor.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of Hugging Face's {@code tokenizer.json} that all kinds of vocabulary share. */
final class TokenizerJson {
  private TokenizerJson() {}

  /** A step such as a normalizer, with settings as a JSON object without braces. */
  static JsonNode step(String type, String settings) {
    String fields = settings.isEmpty() ? "" : "," + settings;
    return JsonFields.tree(type, "{\"type\":\"" + type + "\"" + fields + "}");
  }

  static JsonNode sequence(String field, JsonNode... steps) {
    ObjectNode sequence = JsonNodeFactory.instance.objectNode().put("type", "Sequence");
    ArrayNode list = sequence.putArray(field);
    for (JsonNode step : steps) {
      list.add(step);
    }
    return sequence;
  }

  /** A pattern by its text or as a regular expression. */
  static ObjectNode pattern(String kind, String text) {
    return JsonNodeFactory.instance.objectNode().put(kind, text);
  }

  static ObjectNode bpe(
      Vocabulary vocabulary,
      Iterable<Merge> merges,
      @Nullable String unknown,
      boolean byteFallback,
      boolean ignoreMerges) {
    ObjectNode model = JsonNodeFactory.instance.objectNode();
    model.put("type", "BPE").putNull("dropout").put("unk_token", unknown);
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", byteFallback).put("byte_fallback", byteFallback);
    model.put("ignore_merges", ignoreMerges);
    ObjectNode vocab = model.putObject("vocab");
    for (int id = 0; id < vocabulary.size(); id++) {
      if (!vocabulary.padding(id)) {
        vocab.put(vocabulary.texts().get(id), id);
      }
    }
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(merge -> pairs.addArray().add(merge.left()).add(merge.right()));
    return model;
  }

  /** The whole file. */
  static String whole(
      Vocabulary vocabulary,
      @Nullable JsonNode normalizer,
      @Nullable JsonNode preTokenizer,
      @Nullable JsonNode postProcessor,
      JsonNode decoder,
      ObjectNode model) {
    ObjectNode root = JsonNodeFactory.instance.objectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    root.set("added_tokens", added(vocabulary));
    root.set("normalizer", normalizer);
    root.set("pre_tokenizer", preTokenizer);
    root.set("post_processor", postProcessor);
    root.set("decoder", decoder);
    root.set("model", model);
    return root.toString();
  }

  private static ArrayNode added(Vocabulary vocabulary) {
    ArrayNode added = JsonNodeFactory.instance.arrayNode();
    for (int id = 0; id < vocabulary.size(); id++) {
      TokenType type = vocabulary.types().get(id);
      if (type == TokenType.CONTROL
          || type == TokenType.UNKNOWN
          || type == TokenType.USER_DEFINED) {
        added
            .addObject()
            .put("id", id)
            .put("content", vocabulary.texts().get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", type != TokenType.USER_DEFINED);
      }
    }
    return added;
  }

  /**
   * The processor that puts tokens around a text.
   *
   * @param before id of the token in front, or null
   * @param after id of the token behind, or null
   * @return null if there is none
   */
  static @Nullable JsonNode template(
      Vocabulary vocabulary, @Nullable Integer before, @Nullable Integer after) {
    if (before == null && after == null) {
      return null;
    }
    ObjectNode template = JsonNodeFactory.instance.objectNode().put("type", "TemplateProcessing");
    ArrayNode single = template.putArray("single");
    ArrayNode pair = template.putArray("pair");
    around(single, vocabulary, before, "A", 0, after);
    around(pair, vocabulary, before, "A", 0, after);
    around(pair, vocabulary, before, "B", 1, after);
    ObjectNode special = template.putObject("special_tokens");
    for (Integer id : new Integer[] {before, after}) {
      if (id != null) {
        String text = vocabulary.texts().get(id);
        ObjectNode token = special.putObject(text).put("id", text);
        token.putArray("ids").add(id);
        token.putArray("tokens").add(text);
      }
    }
    return template;
  }

  private static void around(
      ArrayNode list,
      Vocabulary vocabulary,
      @Nullable Integer before,
      String sequence,
      int type,
      @Nullable Integer after) {
    special(list, vocabulary, before, type);
    list.addObject().putObject("Sequence").put("id", sequence).put("type_id", type);
    special(list, vocabulary, after, type);
  }

  private static void special(
      ArrayNode list, Vocabulary vocabulary, @Nullable Integer id, int type) {
    if (id != null) {
      list.addObject()
          .putObject("SpecialToken")
          .put("id", vocabulary.texts().get(id))
          .put("type_id", type);
    }
  }

  /** The template that the metadata asks for. */
  static @Nullable JsonNode template(Vocabulary vocabulary, Metadata metadata, boolean bosUsual) {
    Map<String, Integer> ids = VocabularyRoles.ids(metadata, vocabulary.size());
    boolean bos = metadata.flag("tokenizer.ggml.add_bos_token", bosUsual);
    boolean eos = metadata.flag("tokenizer.ggml.add_eos_token", false);
    return template(
        vocabulary, bos ? ids.get("bos_token") : null, eos ? ids.get("eos_token") : null);
  }
}
