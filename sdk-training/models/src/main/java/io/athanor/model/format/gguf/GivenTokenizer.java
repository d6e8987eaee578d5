package io.athanor.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@code tokenizer.json} that is to be written as a GGUF vocabulary. */
final class GivenTokenizer {
  private static final Ends NO_ENDS = new Ends(null, null);

  private final String source;
  private final JsonNode root;

  GivenTokenizer(String source, String json) {
    this.source = source + ", tokenizer.json";
    this.root = JsonFields.tree(this.source, json);
  }

  JsonNode part(String name) {
    return root.path(name);
  }

  JsonNode model() {
    return root.path("model");
  }

  boolean byteFallback() {
    return model().path("byte_fallback").asBoolean();
  }

  /** Refuses everything but plain BPE. */
  void requireBpe() {
    String type = model().path("type").asText("BPE");
    if (!type.equals("BPE")) {
      throw unsupported("a tokenizer of the kind " + type + ", and GGUF's kinds here are BPE");
    }
    for (String setting : List.of("dropout", "continuing_subword_prefix", "end_of_word_suffix")) {
      JsonNode value = model().path(setting);
      if (!value.isNull() && !value.isMissingNode() && !value.asText().isEmpty()) {
        throw unsupported("a tokenizer with " + setting + " " + value);
      }
    }
  }

  UnsupportedException unsupported(String what) {
    return new UnsupportedException(
        source + ": GGUF cannot hold " + what,
        "Write a Hugging Face folder instead, or leave the tokenizer out");
  }

  /**
   * The tokens by id, with fillers where there is none.
   *
   * @param rows of the model's embedding
   */
  Vocabulary vocabulary(int rows) {
    List<@Nullable String> given = new ArrayList<>(Collections.nCopies(rows, null));
    List<TokenType> types = new ArrayList<>(Collections.nCopies(rows, TokenType.UNUSED));
    String unknown = model().path("unk_token").asText("");
    for (Map.Entry<String, JsonNode> token : model().path("vocab").properties()) {
      int id = id(token.getValue(), token.getKey(), rows);
      place(given, id, token.getKey());
      boolean aByte = byteFallback() && Vocabulary.byteToken(token.getKey());
      types.set(id, aByte ? TokenType.BYTE : TokenType.NORMAL);
    }
    for (JsonNode token : root.path("added_tokens")) {
      String text = token.path("content").asText();
      int id = id(token.path("id"), text, rows);
      place(given, id, text);
      boolean special = token.path("special").asBoolean();
      types.set(id, special ? TokenType.CONTROL : TokenType.USER_DEFINED);
    }
    List<String> texts = new ArrayList<>();
    for (int id = 0; id < rows; id++) {
      String text = given.get(id);
      texts.add(text == null ? Vocabulary.paddingText(id) : text);
      if (byteFallback() && !unknown.isEmpty() && unknown.equals(text)) {
        types.set(id, TokenType.UNKNOWN);
      }
    }
    checkDifferent(texts);
    return new Vocabulary(texts, types);
  }

  private int id(JsonNode node, String text, int rows) {
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
      throw new FormatException(
          source, "token '" + text + "' must have an id of at least 0, got " + node);
    }
    if (node.intValue() >= rows) {
      throw new FormatException(
          source,
          "token '"
              + text
              + "' has the id "
              + node
              + ", but the model's embedding has only "
              + rows
              + " rows; resize the embedding, or give the tokenizer that belongs to the model");
    }
    return node.intValue();
  }

  private void place(List<@Nullable String> texts, int id, String text) {
    String other = texts.set(id, text);
    if (other != null && !other.equals(text)) {
      throw new FormatException(
          source, "the id " + id + " stands for both '" + other + "' and '" + text + "'");
    }
  }

  private void checkDifferent(List<String> texts) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < texts.size(); id++) {
      Integer other = ids.put(texts.get(id), id);
      if (other != null) {
        throw new FormatException(
            source, "token '" + texts.get(id) + "' has two ids, " + other + " and " + id);
      }
    }
  }

  /** The merges, best first, in both forms that the file format knows. */
  List<Merge> merges() {
    List<Merge> merges = new ArrayList<>();
    for (JsonNode node : model().path("merges")) {
      String text = node.asText();
      int space = text.indexOf(' ');
      if (node.isArray() && node.size() == 2) {
        merges.add(new Merge(node.get(0).asText(), node.get(1).asText()));
      } else if (node.isTextual() && space > 0) {
        merges.add(new Merge(text.substring(0, space), text.substring(space + 1)));
      } else {
        throw new FormatException(source, "a merge must be two tokens, got " + node);
      }
    }
    return merges;
  }

  /** Which tokens are put around a text. */
  record Ends(@Nullable String before, @Nullable String after) {}

  Ends ends() {
    return ends(root.path("post_processor"));
  }

  private Ends ends(JsonNode processor) {
    return switch (processor.path("type").asText("")) {
      case "", "ByteLevel" -> NO_ENDS;
      case "Sequence" -> lastOf(processor.path("processors"));
      case "TemplateProcessing" -> template(processor.path("single"));
      default -> throw unsupported("a post-processor of the kind " + processor.path("type"));
    };
  }

  private Ends lastOf(JsonNode steps) {
    Ends found = NO_ENDS;
    for (JsonNode step : steps) {
      Ends ends = ends(step);
      found = ends.equals(NO_ENDS) ? found : ends;
    }
    return found;
  }

  private Ends template(JsonNode single) {
    String before = null;
    String after = null;
    boolean text = false;
    for (JsonNode piece : single) {
      if (piece.has("Sequence")) {
        text = true;
        continue;
      }
      String token = piece.path("SpecialToken").path("id").asText();
      if ((text ? after : before) != null) {
        throw unsupported("more than one token before or after a text");
      }
      if (text) {
        after = token;
      } else {
        before = token;
      }
    }
    return new Ends(before, after);
  }
}
