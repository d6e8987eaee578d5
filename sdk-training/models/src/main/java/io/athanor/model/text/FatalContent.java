package io.athanor.model.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.error.FormatException;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Refuses what the native library answers with the end of the process instead of an error. The
 * library knows parts by their entries where they name no type, so nothing here asks for the type.
 */
record FatalContent(String source) {
  private static final int MAXIMUM_DEPTH = 20;

  /** Patterns of real tokenizers take some hundreds. */
  private static final long MOST_LOOKS = 100_000;

  /** Every character of ASCII, and some others, so that look-arounds meet what they look for. */
  private static final String PROBE =
      IntStream.range(0, 128).mapToObj(Character::toString).collect(Collectors.joining())
          + "  é中😀▁Ġ";

  void refuse(JsonNode root) {
    each("normalizer", "normalizers", root.path("normalizer"), this::normalizer, 0);
    each("pre_tokenizer", "pretokenizers", root.path("pre_tokenizer"), this::splitter, 0);
    each("post_processor", "processors", root.path("post_processor"), this::processor, 0);
    each("decoder", "decoders", root.path("decoder"), this::decoder, 0);
    merges(root.path("model"));
  }

  private void each(
      String place, String nested, JsonNode node, Consumer<JsonNode> check, int depth) {
    if (depth > MAXIMUM_DEPTH) {
      throw fail(place, "nested too deeply");
    }
    check.accept(node);
    for (JsonNode inner : node.path(nested)) {
      each(place, nested, inner, check, depth + 1);
    }
  }

  private void normalizer(JsonNode node) {
    if (findsNothing(node.path("pattern"))) {
      throw fail("normalizer", "Replace must not replace empty matches of " + node.path("pattern"));
    }
    if (node.has("precompiled_charsmap")) {
      try {
        PrecompiledCharacters.check(node.path("precompiled_charsmap").asText());
      } catch (IllegalArgumentException e) {
        throw new FormatException(
            source, "normalizer.precompiled_charsmap: " + e.getMessage() + "; it is damaged", e);
      }
    }
  }

  /**
   * Whether a pattern has matches without characters, as far as Java knows its syntax.
   *
   * @throws FormatException if finding that out takes too long
   */
  private boolean findsNothing(JsonNode pattern) {
    if (pattern.path("String").isTextual()) {
      return pattern.path("String").textValue().isEmpty();
    }
    try {
      return Pattern.compile(pattern.path("Regex").asText("x"))
          .matcher(new BoundedText(PROBE, MOST_LOOKS))
          .results()
          .anyMatch(match -> match.start() == match.end());
    } catch (PatternSyntaxException e) {
      return false;
    } catch (BoundedText.Exhausted | StackOverflowError e) {
      throw fail("normalizer", "Replace must not search as long as " + pattern + " does");
    }
  }

  private void splitter(JsonNode node) {
    if (node.has("length") && node.path("length").asLong() < 1) {
      throw fail("pre_tokenizer", "FixedLength must be of at least 1, got " + node.path("length"));
    }
  }

  /** Taking more from the end than a token has ends the process. */
  private void decoder(JsonNode node) {
    if (node.path("stop").asLong() != 0) {
      throw fail("decoder", "expected Strip with stop 0, got " + node.path("stop"));
    }
  }

  private void processor(JsonNode node) {
    JsonNode known = node.path("special_tokens");
    for (String template : List.of("single", "pair")) {
      for (JsonNode piece : node.path(template)) {
        JsonNode name = piece.path("SpecialToken").path("id");
        if (name.isTextual() && !known.has(name.textValue())) {
          throw fail(
              "post_processor." + template,
              "'" + name.textValue() + "' is not among its special_tokens");
        }
        boolean second = piece.path("Sequence").path("id").asText().equals("B");
        if (second && template.equals("single")) {
          throw fail("post_processor.single", "one sequence has no second one, 'B'");
        }
      }
    }
    known
        .properties()
        .forEach(
            entry -> {
              JsonNode ids = entry.getValue().path("ids");
              if (ids.isEmpty() || ids.size() != entry.getValue().path("tokens").size()) {
                throw fail(
                    "post_processor.special_tokens",
                    "expected as many ids as tokens for '" + entry.getKey() + "'");
              }
              ids.forEach(id -> id("post_processor.special_tokens", id));
            });
    for (String role : List.of("sep", "cls")) {
      if (node.path(role).size() == 2) {
        id("post_processor." + role, node.path(role).get(1));
      }
    }
  }

  private void id(String place, JsonNode id) {
    if (!id.isInt() || id.intValue() < 0 || id.intValue() >= TokenizerJson.MAXIMUM_ID) {
      throw fail(place, "expected an id in [0, " + TokenizerJson.MAXIMUM_ID + "), got " + id);
    }
  }

  /** The library cuts the prefix off the second token of each pair without looking. */
  private void merges(JsonNode model) {
    String prefix = model.path("continuing_subword_prefix").asText("");
    if (model.path("continuing_subword_prefix").isNull() || prefix.isEmpty()) {
      return;
    }
    for (JsonNode merge : model.path("merges")) {
      String second =
          merge.isArray()
              ? merge.path(1).asText()
              : merge.asText().substring(merge.asText().indexOf(' ') + 1);
      if (!second.startsWith(prefix)) {
        throw fail(
            "model.merges",
            "the second of " + merge + " must begin with the prefix '" + prefix + "'");
      }
    }
  }

  private FormatException fail(String place, String problem) {
    return new FormatException(source, place + ": " + problem);
  }
}
