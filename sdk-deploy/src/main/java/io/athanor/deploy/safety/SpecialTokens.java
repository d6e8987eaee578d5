package io.athanor.deploy.safety;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.LanguageEncoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Refuses texts with a special token of the model written in them, such as {@code <|im_end|>}: in a
 * message it would end the turn, and what follows could pass for another speaker.
 */
final class SpecialTokens implements TextFilter {
  private final Set<String> tokens;

  private SpecialTokens(Set<String> tokens) {
    this.tokens = tokens;
  }

  static SpecialTokens of(LanguageEncoding encoding) {
    Set<String> tokens = new TreeSet<>(encoding.specialTokens().values());
    JsonNode root = JsonFields.tree("tokenizer.json", encoding.vocabulary().json());
    for (JsonNode added : root.path("added_tokens")) {
      if (added.path("special").asBoolean()) {
        tokens.add(added.path("content").asText());
      }
    }
    tokens.removeIf(String::isBlank);
    return new SpecialTokens(tokens);
  }

  @Override
  public List<FilterMatch> inspect(String text) {
    List<FilterMatch> matches = new ArrayList<>();
    for (String token : tokens) {
      int at = text.indexOf(token);
      if (at >= 0) {
        matches.add(
            new FilterMatch(
                at,
                at + token.length(),
                "no special tokens of the model, such as " + token,
                Optional.empty()));
      }
    }
    return matches;
  }

  @Override
  public int reach() {
    return tokens.stream().mapToInt(String::length).max().orElse(1);
  }
}
