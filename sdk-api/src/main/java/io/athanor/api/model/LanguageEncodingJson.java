package io.athanor.api.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A {@link LanguageEncoding} as JSON. */
final class LanguageEncodingJson {
  private static final int MAX_END_IDS = 10_000;

  private LanguageEncodingJson() {}

  static ObjectNode write(LanguageEncoding encoding) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ObjectNode language = json.putObject("language");
    Task task = encoding.task();
    ObjectNode kind = language.putObject("task").put("target", task.target());
    if (task instanceof Task.PreferenceRanking ranking) {
      kind.put("kind", "preferenceRanking").put("beta", ranking.beta());
    } else if (task instanceof Task.Embedding embedding) {
      kind.put("kind", "embedding").put("temperature", embedding.temperature());
    } else {
      kind.put("kind", "generation");
    }
    language.put("contextLength", encoding.contextLength());
    encoding.endIds().forEach(language.putArray("endIds")::add);
    ObjectNode special = language.putObject("specialTokens");
    encoding.specialTokens().forEach(special::put);
    return json;
  }

  static LanguageEncoding read(
      JsonFields fields, Optional<Tokenizer> tokenizer, Optional<String> chatTemplate) {
    Tokenizer vocabulary =
        tokenizer.orElseThrow(
            () -> fields.fail("a language model needs its tokenizer.json, and there is none"));
    JsonFields special = fields.object("specialTokens");
    Map<String, String> specialTokens = new TreeMap<>();
    special.names().forEach(name -> specialTokens.put(name, special.text(name)));
    Task task = task(fields.object("task"));
    int contextLength = fields.smallInteger("contextLength");
    var endIds = fields.smallIntegers("endIds", MAX_END_IDS);
    fields.requireNoMore();
    return new LanguageEncoding(
        task, vocabulary, contextLength, endIds, chatTemplate, specialTokens);
  }

  private static Task task(JsonFields fields) {
    String kind = fields.text("kind");
    String target = fields.text("target");
    Task task =
        fields.checked(
            () ->
                switch (kind) {
                  case "generation" -> new Task.Generation(target);
                  case "preferenceRanking" ->
                      new Task.PreferenceRanking(target, fields.number("beta"));
                  case "embedding" -> new Task.Embedding(target, fields.number("temperature"));
                  default ->
                      throw fields.fail(
                          "unknown task '" + kind + "'; a newer version may have written it");
                });
    fields.requireNoMore();
    return task;
  }
}
