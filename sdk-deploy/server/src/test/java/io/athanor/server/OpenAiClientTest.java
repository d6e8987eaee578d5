package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import io.athanor.api.error.OverloadException;
import io.athanor.deploy.serve.TextRequest;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own client for Java finds what it expects. */
@Timeout(60)
class OpenAiClientTest {
  private final FakeText text = new FakeText();
  private final ModelServer server =
      ModelServer.on(0).serve(text).serve(new FakeEmbedding()).start();
  private final OpenAIClient client =
      OpenAIOkHttpClient.builder()
          .baseUrl(server.address() + "/v1")
          .apiKey("any")
          .maxRetries(0)
          .build();

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static ChatCompletionCreateParams.Builder chat(String content) {
    return ChatCompletionCreateParams.builder()
        .model("assistant")
        .addSystemMessage("Be brief.")
        .addUserMessage(content);
  }

  @Test
  void saysWhenAFilterEndedTheAnswer() {
    ChatCompletion answer = client.chat().completions().create(chat("filtered words").build());
    assertThat(answer.choices().get(0).finishReason())
        .isEqualTo(ChatCompletion.Choice.FinishReason.CONTENT_FILTER);
  }

  @Test
  @SuppressWarnings("deprecation") // OpenAI's own models no longer promise to mind the seed
  void chats() {
    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(
                chat("one two three")
                    .temperature(0.5)
                    .topP(0.9)
                    .seed(11)
                    .stop("END")
                    .maxCompletionTokens(2)
                    .build());
    ChatCompletion.Choice choice = answer.choices().get(0);
    assertThat(choice.message().content()).contains("one two");
    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
    assertThat(answer.model()).isEqualTo("assistant");
    assertThat(answer.id()).startsWith("chatcmpl-");
    assertThat(answer.usage().orElseThrow().promptTokens()).isEqualTo(5);
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(2);
    assertThat(answer.usage().orElseThrow().totalTokens()).isEqualTo(7);
    TextRequest asked = text.asked.get(0);
    assertThat(asked.messages()).extracting(m -> m.role()).containsExactly("system", "user");
    assertThat(asked.settings().temperature()).isEqualTo(0.5);
    assertThat(asked.settings().topP()).isEqualTo(0.9);
    assertThat(asked.settings().seed()).isEqualTo(11);
    assertThat(asked.settings().stops()).containsExactly("END");
    assertThat(asked.settings().maxNewTokens()).isEqualTo(2);
  }

  @Test
  void samplesAtTemperatureOneUnlessToldOtherwiseAsOpenAiDoes() {
    client.chat().completions().create(chat("one").build());
    client.chat().completions().create(chat("one").build());
    assertThat(text.asked).allSatisfy(r -> assertThat(r.settings().temperature()).isEqualTo(1));
    assertThat(text.asked.get(0).settings().seed())
        .isNotEqualTo(text.asked.get(1).settings().seed());
  }

  @Test
  void streamsAChat() {
    try (StreamResponse<ChatCompletionChunk> stream =
        client
            .chat()
            .completions()
            .createStreaming(
                chat("one two three")
                    .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                    .build())) {
      List<ChatCompletionChunk> chunks = stream.stream().toList();
      String said =
          chunks.stream()
              .flatMap(chunk -> chunk.choices().stream())
              .map(choice -> choice.delta().content().orElse(""))
              .collect(Collectors.joining());
      assertThat(said).isEqualTo("one two three");
      assertThat(chunks).hasSize(6);
      assertThat(chunks.get(0).choices().get(0).delta().role())
          .contains(ChatCompletionChunk.Choice.Delta.Role.ASSISTANT);
      assertThat(chunks.get(4).choices().get(0).finishReason())
          .contains(ChatCompletionChunk.Choice.FinishReason.STOP);
      assertThat(chunks.get(5).usage().orElseThrow().completionTokens()).isEqualTo(3);
    }
  }

  @Test
  void tellsHowLikelyTokensWere() {
    ChatCompletion answer =
        client.chat().completions().create(chat("one two").logprobs(true).topLogprobs(1).build());
    var content = answer.choices().get(0).logprobs().orElseThrow().content().orElseThrow();
    assertThat(content).extracting(token -> token.token()).containsExactly("one", "two");
    assertThat(content).extracting(token -> token.logprob()).containsExactly(-0.25, -0.5);
    assertThat(content.get(0).topLogprobs()).hasSize(1);
    assertThat(content.get(0).bytes().orElseThrow())
        .containsExactly((long) 'o', (long) 'n', (long) 'e');
  }

  @Test
  void completesTexts() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model("assistant:2")
                    .promptOfArrayOfStrings(List.of("one two", "three"))
                    .maxTokens(9)
                    .build());
    assertThat(answer.choices()).extracting(c -> c.text()).containsExactly("one two", "three");
    assertThat(answer.usage().orElseThrow().totalTokens()).isEqualTo(13);
  }

  @Test
  void streamsACompletion() {
    try (StreamResponse<Completion> stream =
        client
            .completions()
            .createStreaming(
                CompletionCreateParams.builder().model("assistant").prompt("one two").build())) {
      assertThat(
              stream.stream()
                  .flatMap(chunk -> chunk.choices().stream())
                  .map(choice -> choice.text())
                  .collect(Collectors.joining()))
          .isEqualTo("one two");
    }
  }

  @Test
  void embedsTextsInEitherEncoding() {
    for (var format :
        List.of(
            EmbeddingCreateParams.EncodingFormat.FLOAT,
            EmbeddingCreateParams.EncodingFormat.BASE64)) {
      CreateEmbeddingResponse answer =
          client
              .embeddings()
              .create(
                  EmbeddingCreateParams.builder()
                      .model("embedder")
                      .inputOfArrayOfStrings(List.of("a", "four"))
                      .encodingFormat(format)
                      .build());
      assertThat(answer.data()).hasSize(2);
      assertThat(answer.data().get(1).embedding()).containsExactly(4f, 0.5f);
      assertThat(answer.usage().totalTokens()).isEqualTo(6);
    }
  }

  @Test
  void listsModelsAndAdapters() {
    assertThat(client.models().list().data())
        .extracting(Model::id)
        .containsExactly("assistant", "polite:7", "embedder");
    assertThat(client.models().retrieve("polite:7").id()).isEqualTo("polite:7");
    assertThat(client.models().retrieve("assistant:2").ownedBy()).isEqualTo("athanor");
  }

  @Test
  void anAdapterAnswersUnderItsOwnName() {
    client
        .chat()
        .completions()
        .create(
            ChatCompletionCreateParams.builder().model("polite:7").addUserMessage("one").build());
    assertThat(text.asked.get(0).adapter()).contains("polite:7");
  }

  @Test
  void errorsBecomeTheClientsOwn() {
    assertThatThrownBy(
            () ->
                client
                    .chat()
                    .completions()
                    .create(
                        ChatCompletionCreateParams.builder()
                            .model("nobody")
                            .addUserMessage("one")
                            .build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No model 'nobody'; there is assistant, embedder");
    assertThatThrownBy(() -> client.chat().completions().create(chat("one").n(2).build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("'n' is not supported with this value");
    assertThatThrownBy(() -> client.chat().completions().create(chat("too long").build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("it fills the context");
    text.refusal = Optional.of(new OverloadException("fake", "full"));
    assertThatThrownBy(() -> client.chat().completions().create(chat("one").build()))
        .isInstanceOf(RateLimitException.class);
  }
}
