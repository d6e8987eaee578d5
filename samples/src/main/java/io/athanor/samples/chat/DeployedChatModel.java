package io.athanor.samples.chat;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.athanor.api.error.UnsupportedException;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import java.util.List;

/** A deployment as LangChain4j's chat model. Thread-safe. */
public final class DeployedChatModel implements ChatModel {
  private final TextDeployment deployment;

  public DeployedChatModel(TextDeployment deployment) {
    this.deployment = deployment;
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    List<ChatMessage> messages =
        request.messages().stream().map(DeployedChatModel::message).toList();
    TextAnswer answer = deployment.generate(TextRequest.chat(messages).settings(settings(request)));
    Generated said = answer.generated();
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(answer.text()))
        .modelName(answer.model() + ":" + answer.version())
        .tokenUsage(new TokenUsage(said.promptTokens(), said.tokens().size()))
        .finishReason(reason(said))
        .build();
  }

  private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return ChatMessage.system(system.text());
    }
    if (message instanceof UserMessage user && user.hasSingleText()) {
      return ChatMessage.user(user.singleText());
    }
    if (message instanceof AiMessage ai && !ai.hasToolExecutionRequests()) {
      return ChatMessage.assistant(ai.text());
    }
    throw new UnsupportedException(
        "a message of the type " + message.type() + " with more than text",
        "Send text only, and call tools yourself");
  }

  private static GenerationSettings settings(ChatRequest request) {
    GenerationSettings.Builder settings = GenerationSettings.builder();
    if (request.temperature() != null) {
      settings.temperature(request.temperature());
    }
    if (request.topP() != null) {
      settings.topP(request.topP());
    }
    if (request.topK() != null) {
      settings.topK(request.topK());
    }
    if (request.maxOutputTokens() != null) {
      settings.maxNewTokens(request.maxOutputTokens());
    }
    if (request.stopSequences() != null) {
      request.stopSequences().forEach(settings::stopAt);
    }
    return settings.build();
  }

  private static FinishReason reason(Generated said) {
    return switch (said.finish()) {
      case END_TOKEN, STOP_STRING -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case FILTERED -> FinishReason.CONTENT_FILTER;
      case CANCELLED -> FinishReason.OTHER;
    };
  }
}
