package io.athanor.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.data.Tokenizer;
import io.athanor.model.generate.TokenLikelihood;
import io.athanor.server.http.StrictJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How likely tokens were, in the two forms OpenAI has for it. */
final class Likelihoods {
  private static final String INCOMPLETE = "\ufffd";

  private final @Nullable Tokenizer vocabulary;

  Likelihoods(@Nullable Tokenizer vocabulary) {
    this.vocabulary = vocabulary;
  }

  ObjectNode ofChat(List<TokenLikelihood> tokens) {
    ObjectNode answer = StrictJson.object();
    ArrayNode content = answer.putArray("content");
    for (TokenLikelihood token : tokens) {
      ObjectNode one = content.addObject();
      describe(one, token.id(), token.logProbability());
      ArrayNode others = one.putArray("top_logprobs");
      token
          .alternatives()
          .forEach(other -> describe(others.addObject(), other.id(), other.logProbability()));
    }
    answer.putNull("refusal");
    return answer;
  }

  private void describe(ObjectNode json, int id, double logProbability) {
    String text = text(id);
    json.put("token", text).put("logprob", logProbability);
    if (text.contains(INCOMPLETE)) {
      json.putNull("bytes"); // a part of a character only
    } else {
      ArrayNode bytes = json.putArray("bytes");
      for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
        bytes.add(one & 0xff);
      }
    }
  }

  ObjectNode ofCompletion(List<TokenLikelihood> tokens) {
    ObjectNode answer = StrictJson.object();
    ArrayNode texts = answer.putArray("tokens");
    ArrayNode values = answer.putArray("token_logprobs");
    ArrayNode top = answer.putArray("top_logprobs");
    ArrayNode offsets = answer.putArray("text_offset");
    int offset = 0;
    for (TokenLikelihood token : tokens) {
      String text = text(token.id());
      texts.add(text);
      values.add(token.logProbability());
      offsets.add(offset);
      offset += text.length();
      ObjectNode others = top.addObject();
      token.alternatives().forEach(other -> others.put(text(other.id()), other.logProbability()));
    }
    return answer;
  }

  private String text(int id) {
    return vocabulary == null ? Integer.toString(id) : vocabulary.decode(new int[] {id});
  }
}
