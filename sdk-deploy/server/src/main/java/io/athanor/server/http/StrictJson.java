package io.athanor.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import java.nio.charset.StandardCharsets;

/** Strict JSON with bounds that hostile input cannot pass. */
public final class StrictJson {
  private static final int DEEPEST = 16;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private StrictJson() {}

  /** An object without fields. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /**
   * The tree of a text.
   *
   * @throws HttpProblem 400 with line and column
   */
  public static JsonNode parse(String text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      if (node.isMissingNode()) {
        throw new HttpProblem(400, "The body is empty; expected a JSON object");
      }
      return node;
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      int line = at == null ? 1 : at.getLineNr();
      int column = at == null ? 1 : at.getColumnNr();
      throw new HttpProblem(
              400,
              "The body is not valid JSON at line "
                  + line
                  + ", column "
                  + column
                  + ": "
                  + e.getOriginalMessage())
          .with("line", line)
          .with("position", column);
    }
  }

  /** A tree as text. */
  public static String text(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A tree can always be written", e);
    }
  }

  /** A tree in UTF-8. */
  public static byte[] write(JsonNode node) {
    // By way of characters: a lone surrogate that a caller sent becomes '?' and not a failure.
    return text(node).getBytes(StandardCharsets.UTF_8);
  }

  /** Answers with a tree. */
  public static void send(Context ctx, JsonNode answer) {
    ctx.contentType("application/json").result(write(answer));
  }
}
