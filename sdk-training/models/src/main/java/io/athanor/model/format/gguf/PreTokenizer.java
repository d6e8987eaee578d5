package io.athanor.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a text is cut before byte-level BPE. GGUF only names the way ({@code tokenizer.ggml.pre});
 * the expressions are those of the models' own {@code tokenizer.json}.
 *
 * @param names what GGUF files call it, the usual name first
 * @param expression cuts before bytes become characters; null where that is done by a built-in way
 * @param normalizer the kind of Unicode normalisation before it, or null
 * @param ignoreMerges whether a piece that is a token is never cut
 * @param bosUsual whether readers put the first token in front unless the file says otherwise
 */
record PreTokenizer(
    List<String> names,
    @Nullable String expression,
    @Nullable String normalizer,
    boolean ignoreMerges,
    boolean bosUsual) {
  private static final PreTokenizer GPT2 =
      new PreTokenizer(List.of("gpt-2", "default", "phi-2"), null, null, false, false);
  private static final PreTokenizer SMOLLM =
      new PreTokenizer(List.of("smollm", "starcoder"), null, null, false, false);
  private static final PreTokenizer LLAMA3 =
      new PreTokenizer(
          List.of("llama-bpe", "llama3", "llama-v3"),
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
              + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          null,
          true,
          true);
  private static final PreTokenizer QWEN2 =
      new PreTokenizer(
          List.of("qwen2", "deepseek-r1-qwen"),
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
              + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          "NFC",
          false,
          false);
  private static final List<PreTokenizer> ALL = List.of(GPT2, SMOLLM, LLAMA3, QWEN2);

  static PreTokenizer named(String name, String source) {
    return ALL.stream()
        .filter(known -> known.names.contains(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UnsupportedException(
                    source + ": pre-tokenizer '" + name + "'",
                    "Known are "
                        + ALL.stream()
                            .flatMap(known -> known.names.stream())
                            .collect(Collectors.joining(", "))
                        + "; give the model's own tokenizer.json beside the file"));
  }

  /** The value of {@code tokenizer.ggml.pre}. */
  String ggufName() {
    return names.get(0);
  }

  @Nullable JsonNode normalizerJson() {
    return normalizer == null ? null : TokenizerJson.step(normalizer, "");
  }

  JsonNode json() {
    if (equals(GPT2)) {
      return byteLevel(true);
    }
    JsonNode first =
        expression == null
            ? TokenizerJson.step("Digits", "\"individual_digits\":true")
            : ((ObjectNode)
                    TokenizerJson.step("Split", "\"behavior\":\"Isolated\",\"invert\":false"))
                .set("pattern", TokenizerJson.pattern("Regex", expression));
    return TokenizerJson.sequence("pretokenizers", first, byteLevel(expression == null));
  }

  private static JsonNode byteLevel(boolean expression) {
    return TokenizerJson.step(
        "ByteLevel",
        "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":" + expression);
  }

  /** The way that a {@code tokenizer.json} cuts, if GGUF has a name for it. */
  static Optional<PreTokenizer> of(JsonNode normalizer, JsonNode preTokenizer) {
    return ALL.stream()
        .filter(known -> known.normalizes(normalizer) && known.cuts(preTokenizer))
        .findFirst();
  }

  private boolean normalizes(JsonNode node) {
    return node.isNull() || node.isMissingNode() || node.path("type").asText().equals(normalizer);
  }

  private boolean cuts(JsonNode node) {
    List<JsonNode> own = steps(json());
    List<JsonNode> given = steps(node);
    if (own.size() != given.size()) {
      return false;
    }
    for (int i = 0; i < own.size(); i++) {
      for (var field : own.get(i).properties()) {
        JsonNode value = given.get(i).path(field.getKey());
        boolean irrelevant = field.getKey().equals("trim_offsets");
        boolean usual = value.isMissingNode() && field.getKey().equals("use_regex");
        if (!irrelevant
            && !(usual ? field.getValue().asBoolean() : value.equals(field.getValue()))) {
          return false;
        }
      }
    }
    return true;
  }

  private static List<JsonNode> steps(JsonNode node) {
    if (!node.path("type").asText().equals("Sequence")) {
      return List.of(node);
    }
    List<JsonNode> steps = new ArrayList<>();
    node.path("pretokenizers").forEach(steps::add);
    return steps;
  }
}
