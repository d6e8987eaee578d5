package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextEmbedder;
import io.athanor.model.generate.TextGenerator;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TinyLanguageModels;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A transformer of two blocks with random weights, asked by OpenAI's own client for Java, says what
 * it says when it is asked without a server.
 */
@Timeout(240)
class OpenAiRealModelTest {
  private static final String WORDS =
      IntStream.range(0, TinyLanguageModels.VOCABULARY - 2)
          .mapToObj(i -> "w" + (char) ('a' + i / 10) + i % 10)
          .collect(Collectors.joining(" "));

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final ModelArtifact model =
      artifact(TinyLanguageModels.groupedKeys(), new Task.Generation("text"));
  private final ModelArtifact vectors = artifact(meanOfWords(), new Task.Embedding("text", 0.05));
  private TextGenerator alone;
  private TextDeployment text;
  private EmbeddingDeployment embedding;
  private ModelServer server;
  private OpenAIClient client;

  private static ModelArtifact artifact(Graph graph, Task task) {
    return new ModelArtifact(
        graph.name(),
        Map.of(),
        graph,
        Weights.initialize(graph, 3),
        new LanguageEncoding(
            task,
            WordTokenizer.fit(List.of(WORDS), TinyLanguageModels.VOCABULARY, 1),
            64,
            List.of(),
            Optional.of("{% for m in messages %}{{ m.content }} {% endfor %}"),
            Map.of()),
        Map.of(),
        new Provenance(
            Instant.parse("2026-01-01T00:00:00Z"), 3, "{}", List.of(), Optional.empty(), Map.of()));
  }

  private static Graph meanOfWords() {
    GraphBuilder g = Graph.builder("mean-of-words");
    Value tokens = g.input(LanguageEncoding.TOKENS, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    Value words = g.embedding("words", tokens, TinyLanguageModels.VOCABULARY, 4, 1);
    Value mean = g.sequencePool(SequencePool.Kind.MEAN, words);
    return g.output("output", g.apply("unit", new ElementOp.Normalize(), mean)).build();
  }

  @BeforeEach
  void start() {
    alone = TextGenerator.of(model, backend);
    text = Deployments.inProcess().backend(backend).text("tiny", model);
    embedding = Deployments.inProcess().backend(backend).embedding("vectors", vectors);
    server = ModelServer.on(0).serve(text).serve(embedding).start();
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.address() + "/v1")
            .apiKey("any")
            .maxRetries(0)
            .build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
    embedding.close();
    text.close();
    alone.close();
    backend.close();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model("tiny")
        .addSystemMessage("wa1 wa2")
        .addUserMessage("wb5 wa3")
        .maxCompletionTokens(12);
  }

  private Generated aloneChat(GenerationSettings.Builder settings) {
    return alone.chat(
        List.of(new ChatMessage("system", "wa1 wa2"), new ChatMessage("user", "wb5 wa3")),
        settings.maxNewTokens(12).build());
  }

  @Test
  void chatsAsTheModelDoesWholeAndInPieces() {
    Generated expected = aloneChat(GenerationSettings.builder());
    assertThat(expected.tokens()).hasSize(12);
    assertThat(expected.finish()).isEqualTo(FinishReason.LENGTH);

    ChatCompletion answer =
        client.chat().completions().create(chat().temperature(0).logprobs(true).build());

    assertThat(answer.choices().get(0).message().content()).contains(expected.text());
    assertThat(answer.choices().get(0).finishReason())
        .isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
    assertThat(answer.usage().orElseThrow().promptTokens()).isEqualTo(expected.promptTokens());
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(12);
    var likelihoods = aloneChat(GenerationSettings.builder().likelihoods()).likelihoods();
    var told = answer.choices().get(0).logprobs().orElseThrow().content().orElseThrow();
    assertThat(told).hasSize(12);
    for (int i = 0; i < 12; i++) {
      assertThat(told.get(i).logprob())
          .isCloseTo(likelihoods.get(i).logProbability(), within(1e-5));
    }
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(chat().temperature(0).build())) {
      assertThat(
              stream.stream()
                  .flatMap(chunk -> chunk.choices().stream())
                  .map(choice -> choice.delta().content().orElse(""))
                  .collect(Collectors.joining()))
          .isEqualTo(expected.text());
    }
  }

  @Test
  @SuppressWarnings("deprecation") // OpenAI's own models no longer promise to mind the seed
  void drawsWhatTheSeedSays() {
    for (long seed : new long[] {5, 6}) {
      ChatCompletion answer = client.chat().completions().create(chat().seed(seed).build());
      assertThat(answer.choices().get(0).message().content())
          .contains(aloneChat(GenerationSettings.builder().temperature(1).seed(seed)).text());
    }
  }

  @Test
  void completesSeveralTextsAsTheModelDoes() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model("tiny")
                    .promptOfArrayOfStrings(List.of("wa4 wb2 wb2", "wa9"))
                    .temperature(0)
                    .maxTokens(7)
                    .build());
    GenerationSettings settings = GenerationSettings.builder().maxNewTokens(7).build();
    assertThat(answer.choices())
        .extracting(choice -> choice.text())
        .containsExactly(
            alone.generate("wa4 wb2 wb2", settings).text(), alone.generate("wa9", settings).text());
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(14);
  }

  @Test
  void givesTheVectorsThatTheModelGives() {
    List<String> texts = List.of("wa1 wa2 wb3", "wb3");
    CreateEmbeddingResponse answer =
        client
            .embeddings()
            .create(
                EmbeddingCreateParams.builder()
                    .model("vectors")
                    .inputOfArrayOfStrings(texts)
                    .build());
    assertThat(answer.usage().totalTokens()).isEqualTo(4);
    try (TextEmbedder embedder = TextEmbedder.of(vectors, backend)) {
      for (int i = 0; i < 2; i++) {
        float[] expected = embedder.embed(texts.get(i));
        List<Float> found = answer.data().get(i).embedding();
        assertThat(found).hasSize(4);
        for (int k = 0; k < 4; k++) {
          assertThat(found.get(k)).isCloseTo(expected[k], within(1e-6f));
        }
      }
    }
  }
}
