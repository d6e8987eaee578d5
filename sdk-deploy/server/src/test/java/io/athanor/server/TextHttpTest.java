package io.athanor.server;

import static io.athanor.server.Client.json;
import static io.athanor.server.Client.problem;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Texts and vectors, as they are on the wire. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TextHttpTest {
  private static final String CHAT = "/v1/chat/completions";

  private final FakeText text = new FakeText();
  private final ModelServer server =
      ModelServer.on(0).serve(text).serve(new FakeEmbedding()).maximumTokens(100).start();
  private final Client client = new Client(server.address());

  @AfterAll
  void stop() {
    server.close();
  }

  @Test
  void ownFormAnswersPromptsAndConversations() throws Exception {
    JsonNode answer =
        json(
            client.post(
                "/v1/models/assistant/generate",
                "{\"prompt\":\"one two three\",\"maxNewTokens\":2,\"topK\":4,\"seed\":3}"));
    assertThat(answer.get("text").textValue()).isEqualTo("one two");
    assertThat(answer.get("finish").textValue()).isEqualTo("length");
    assertThat(answer.get("promptTokens").intValue()).isEqualTo(5);
    assertThat(answer.get("tokens").intValue()).isEqualTo(2);
    JsonNode adapted =
        json(
            client.post(
                "/v1/models/polite:7/generate",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}"));
    assertThat(adapted.get("model").textValue()).isEqualTo("polite");
  }

  @Test
  void ownFormStreamsPiecesAndAnEnd() throws Exception {
    HttpResponse<String> response =
        client.post("/v1/models/assistant/generate", "{\"prompt\":\"one two\",\"stream\":true}");
    assertThat(response.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/event-stream");
    assertThat(response.body())
        .startsWith(
            "event: piece\ndata: {\"text\":\"one\"}\n\n"
                + "event: piece\ndata: {\"text\":\" two\"}\n\n"
                + "event: end\ndata: {\"model\":\"assistant\"")
        .endsWith("}\n\n");
  }

  @Test
  void chunksOfAChatAreWhatOpenAiSends() throws Exception {
    String body =
        client
            .post(
                CHAT,
                "{\"model\":\"assistant\",\"stream\":true,"
                    + "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"}]}]}")
            .body();
    String[] events = body.split("\n\n");
    assertThat(events).hasSize(4);
    JsonNode piece = json(events[1].substring("data: ".length()));
    assertThat(piece.get("object").textValue()).isEqualTo("chat.completion.chunk");
    assertThat(piece.at("/choices/0/delta/content").textValue()).isEqualTo("one");
    assertThat(piece.at("/choices/0/finish_reason").isNull()).isTrue();
    assertThat(events[3]).isEqualTo("data: [DONE]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "tools":[{}]                                | tools
          "response_format":{"type":"json_object"}    | response_format
          "n":2                                       | n
          "presence_penalty":0.5                      | presence_penalty
          "logit_bias":{"1":3}                        | logit_bias
          "reasoning_effort":"low"                    | reasoning_effort
          "logprobs":true,"stream":true               | logprobs
          "top_logprobs":2                            | top_logprobs
          "temperature":3                             | temperature
          "temperature":"warm"                        | temperature
          "top_p":0                                   | top_p
          "max_tokens":101                            | max_tokens
          "max_completion_tokens":0                   | max_completion_tokens
          "seed":1.5                                  | seed
          "stop":["a","b","c","d","e"]                | stop
          "stop":[1]                                  | stop
          "stop":""                                   | stop
          "stream":"yes"                              | stream
          "stream_options":{"include_usage":true}     | stream_options
          "colour":"red"                              | colour
          """)
  void whatCannotBeDoneIsRefusedByName(String field, String name) throws Exception {
    HttpResponse<String> response =
        client.post(
            CHAT,
            "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"}],"
                + field
                + "}");
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    JsonNode error = json(response).get("error");
    assertThat(error.get("param").textValue()).isEqualTo(name);
    assertThat(error.get("message").textValue()).contains("'" + name + "'");
    assertThat(error.get("type").textValue()).isEqualTo("invalid_request_error");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "n":1
          "tools":[]
          "response_format":{"type":"text"}
          "frequency_penalty":0
          "user":"somebody"
          "stop":null
          "parallel_tool_calls":true
          """)
  void whatHappensAnywayIsNoReasonToRefuse(String field) throws Exception {
    HttpResponse<String> response =
        client.post(
            CHAT,
            "{\"model\":\"assistant\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"}],"
                + field
                + "}");
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                                       | messages
          [{"role":"tool","content":"x"}]                          | messages.role
          [{"role":"user"}]                                        | content
          [{"role":"user","content":[{"type":"image_url"}]}]       | messages.content
          [{"role":"user","content":"x","colour":1}]               | colour
          [{"role":"assistant","content":"x","tool_calls":[{}]}]   | messages.tool_calls
          "hello"                                                  | messages
          """)
  void messagesThatCannotBeReadAreRefused(String messages, String name) throws Exception {
    HttpResponse<String> response =
        client.post(CHAT, "{\"model\":\"assistant\",\"messages\":" + messages + "}");
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).at("/error/param").textValue()).isEqualTo(name);
  }

  @Test
  void modelsForOtherThingsSayWhatTheyAreFor() throws Exception {
    HttpResponse<String> response =
        client.post(
            CHAT,
            "{\"model\":\"embedder\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}");
    assertThat(json(response).at("/error/message").textValue())
        .isEqualTo("embedder:1 says no text; it is for embedding, ask it for that");
    problem(client.post("/v1/models/assistant/predict", "{\"input\":1}"), 422);
    problem(client.post("/v1/models/assistant/batch", "{\"inputs\":[]}"), 422);
    problem(client.post("/v1/models/assistant/embed", "{\"inputs\":[\"a\"]}"), 422);
    problem(client.post("/v1/models/embedder/generate", "{\"prompt\":\"a\"}"), 422);
    problem(client.post("/v1/models/polite:7/embed", "{\"inputs\":[\"a\"]}"), 404);
  }

  @Test
  void failureAfterTheFirstPieceIsAnEventWithoutSecrets() throws Exception {
    String ours =
        client
            .post("/v1/models/assistant/generate", "{\"prompt\":\"break\",\"stream\":true}")
            .body();
    assertThat(ours).contains("so far", "event: error").doesNotContain("secret", "event: end");
    HttpResponse<String> whole =
        client.post("/v1/models/assistant/generate", "{\"prompt\":\"break\"}");
    problem(whole, 500);
    assertThat(whole.body()).doesNotContain("secret");
    String theirs =
        client
            .post(
                "/v1/completions", "{\"model\":\"assistant\",\"prompt\":\"break\",\"stream\":true}")
            .body();
    assertThat(theirs).contains("\"type\":\"server_error\"").doesNotContain("secret", "[DONE]");
  }

  @Test
  void refusalBeforeTheFirstPieceHasItsStatus() throws Exception {
    problem(
        client.post("/v1/models/assistant/generate", "{\"prompt\":\"too long\",\"stream\":true}"),
        422);
  }

  @Test
  void aReaderWhoLeavesEndsTheGeneration() throws Exception {
    FakeText endless = new FakeText();
    endless.endless = true;
    try (ModelServer other = ModelServer.on(0).serve(endless).start()) {
      try (Socket socket = new Socket(other.address().getHost(), other.address().getPort())) {
        String body = "{\"prompt\":\"x\",\"stream\":true}";
        socket
            .getOutputStream()
            .write(
                ("POST /v1/models/assistant/generate HTTP/1.1\r\nHost: x\r\n"
                        + "Content-Type: application/json\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
            .isEqualTo("HTTP/1.1 200");
      }
      assertThat(endless.cancelled.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void embedsInTheOwnForm() throws Exception {
    JsonNode answer =
        json(client.post("/v1/models/embedder/embed", "{\"inputs\":[\"a\",\"four\"]}"));
    assertThat(answer.get("vectors")).hasToString("[[1.0,0.5],[4.0,0.5]]");
    assertThat(answer.get("tokens").intValue()).isEqualTo(6);
    JsonNode described = json(client.get("/v1/models/embedder"));
    assertThat(described.get("dimensions").intValue()).isEqualTo(2);
    assertThat(described.get("contextLength").intValue()).isEqualTo(64);
  }

  @Test
  void otherDimensionsAreRefused() throws Exception {
    HttpResponse<String> response =
        client.post("/v1/embeddings", "{\"model\":\"embedder\",\"input\":\"a\",\"dimensions\":3}");
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).at("/error/param").textValue()).isEqualTo("dimensions");
  }

  @Test
  void countsTokens() throws Exception {
    client.post("/v1/models/assistant/generate", "{\"prompt\":\"one two\"}");
    client.post("/v1/models/embedder/embed", "{\"inputs\":[\"a\"]}");
    assertThat(client.get("/metrics").body())
        .contains("athanor_tokens_total{kind=\"prompt\",model=\"assistant\",version=\"2\"}")
        .contains("athanor_tokens_total{kind=\"generated\",model=\"assistant\",version=\"2\"}")
        .contains("athanor_tokens_total{kind=\"embedded\",model=\"embedder\",version=\"1\"}")
        .contains("athanor_first_token_seconds_count");
  }
}
