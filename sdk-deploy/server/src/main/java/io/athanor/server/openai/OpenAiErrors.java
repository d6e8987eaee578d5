package io.athanor.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.StrictJson;

/** Errors as OpenAI's clients read them. */
public final class OpenAiErrors {
  private OpenAiErrors() {}

  /** Whether a path is one whose errors have this form. */
  public static boolean areFor(String path) {
    return path.startsWith("/v1/chat/")
        || path.equals("/v1/completions")
        || path.equals("/v1/embeddings");
  }

  /** The status that OpenAI answers with. */
  public static int status(HttpProblem problem) {
    return problem.status() == 422 ? 400 : problem.status();
  }

  /** {@code {"error": {"message", "type", "param", "code"}}}. */
  public static ObjectNode json(HttpProblem problem) {
    ObjectNode answer = StrictJson.object();
    answer
        .putObject("error")
        .put("message", problem.detail())
        .put("type", type(problem.status()))
        .put("param", problem.text("param").orElse(null))
        .put("code", problem.text("code").orElse(null));
    return answer;
  }

  private static String type(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 429 -> "rate_limit_error";
      default -> status < 500 ? "invalid_request_error" : "server_error";
    };
  }
}
