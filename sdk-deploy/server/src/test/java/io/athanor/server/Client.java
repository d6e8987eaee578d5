package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;

/** Talks to a server under test. Thread-safe. */
record Client(URI server, HttpClient http, Map<String, String> headers) {
  private static final ObjectMapper JSON = new ObjectMapper();

  Client(URI server) {
    this(server, HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(), Map.of());
  }

  /** The same with one header in every request. */
  Client with(String header, String value) {
    return new Client(server, http, Map.of(header, value));
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send("GET", path, BodyPublishers.noBody(), null);
  }

  HttpResponse<String> post(String path, String json) throws IOException, InterruptedException {
    return send("POST", path, BodyPublishers.ofString(json), "application/json");
  }

  HttpResponse<String> send(String method, String path, BodyPublisher body, String contentType)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(server.resolve(path))
            .timeout(Duration.ofSeconds(20))
            .method(method, body);
    headers.forEach(request::header);
    if (contentType != null) {
      request.header("Content-Type", contentType);
    }
    return http.send(request.build(), BodyHandlers.ofString());
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + text, e);
    }
  }

  static JsonNode json(HttpResponse<String> response) {
    assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
    return json(response.body());
  }

  /** Checks that a response is a problem in the form of RFC 9457 that gives nothing away. */
  static JsonNode problem(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    JsonNode problem = json(response.body());
    assertThat(problem.get("status").intValue()).isEqualTo(status);
    assertThat(problem.get("title").textValue()).isNotBlank();
    assertThat(problem.get("detail").textValue()).isNotBlank();
    assertThat(response.body()).doesNotContain("Exception", "\tat ", "io.athanor", "jetty");
    return problem;
  }

  static String detail(JsonNode problem) {
    return problem.get("detail").textValue();
  }
}
