package io.athanor.samples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.UnsupportedException;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.text.ChatMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class DeployedChatModelTest {
  private final Echo live = new Echo();
  private final DeployedChatModel model = new DeployedChatModel(live);

  /** Says how many messages it was asked. */
  private static final class Echo implements TextDeployment {
    final List<TextRequest> asked = new ArrayList<>();

    @Override
    public TextAnswer generate(TextRequest request, Predicate<String> listener) {
      asked.add(request);
      Generated said =
          new Generated(
              request.messages().size() + " messages",
              List.of(7, 8),
              FinishReason.LENGTH,
              List.of(),
              5,
              Duration.ZERO,
              0);
      return new TextAnswer("echo", "3", said, Duration.ZERO);
    }

    @Override
    public CompletableFuture<TextAnswer> generateAsync(
        TextRequest request, Predicate<String> listener) {
      return CompletableFuture.completedFuture(generate(request, listener));
    }

    @Override
    public List<String> adapters() {
      return List.of();
    }

    @Override
    public ServedModel model() {
      throw new AssertionError("nobody asks for it");
    }

    @Override
    public DeploymentStats stats() {
      throw new AssertionError("nobody asks for them");
    }

    @Override
    public void close() {}
  }

  @Test
  void conversationAndSettingsReachTheDeploymentAndItsAnswerComesBack() {
    ChatResponse answer =
        model.chat(
            ChatRequest.builder()
                .messages(
                    SystemMessage.from("Be brief"),
                    UserMessage.from("Hi"),
                    AiMessage.from("Hello"),
                    UserMessage.from("Bye"))
                .temperature(0.5)
                .topK(40)
                .maxOutputTokens(9)
                .stopSequences(List.of("\n"))
                .build());

    TextRequest asked = live.asked.get(0);
    assertThat(asked.messages())
        .containsExactly(
            ChatMessage.system("Be brief"),
            ChatMessage.user("Hi"),
            ChatMessage.assistant("Hello"),
            ChatMessage.user("Bye"));
    assertThat(asked.settings().temperature()).isEqualTo(0.5);
    assertThat(asked.settings().topK()).isEqualTo(40);
    assertThat(asked.settings().maxNewTokens()).isEqualTo(9);
    assertThat(asked.settings().stops()).containsExactly("\n");
    assertThat(answer.aiMessage().text()).isEqualTo("4 messages");
    assertThat(answer.metadata().modelName()).isEqualTo("echo:3");
    assertThat(answer.metadata().tokenUsage().totalTokenCount()).isEqualTo(7);
    assertThat(answer.metadata().finishReason())
        .isEqualTo(dev.langchain4j.model.output.FinishReason.LENGTH);
  }

  @Test
  void messageWithMoreThanTextIsRefused() {
    UserMessage picture =
        UserMessage.from(TextContent.from("What is it?"), ImageContent.from("data", "image/png"));
    assertThatThrownBy(() -> model.chat(picture))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("a message of the type USER with more than text");
    assertThat(live.asked).isEmpty();
  }
}
