package io.athanor.samples.chat;

import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.safety.PersonalData;
import io.athanor.deploy.safety.Safety;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.format.gguf.Gguf;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;

/**
 * Serves a published chat model in this process, between filters for personal data, and asks it
 * through LangChain4j.
 */
public final class Assistant {
  private Assistant() {}

  /**
   * @param arguments the model, a GGUF file or a Hugging Face folder with a chat template, and the
   *     question
   */
  public static void main(String[] arguments) {
    if (arguments.length < 2) {
      System.out.println("Name the model, a GGUF file or a Hugging Face folder, and a question");
      return;
    }
    ModelArtifact model = model(Path.of(arguments[0]));
    try (TextDeployment live =
        Safety.of(Deployments.inProcess().text("assistant", model))
            .input(PersonalData.all())
            .output(PersonalData.all())
            .guard()) {
      ChatModel assistant = new DeployedChatModel(live);
      ChatResponse answer =
          assistant.chat(
              ChatRequest.builder()
                  .messages(
                      SystemMessage.from("You answer in one sentence."),
                      UserMessage.from(arguments[1]))
                  .maxOutputTokens(64)
                  .build());
      System.out.println(answer.aiMessage().text());
      System.out.println(answer.metadata().modelName() + ", " + answer.metadata().tokenUsage());
    }
  }

  private static ModelArtifact model(Path path) {
    PretrainedModel published =
        Files.isDirectory(path) ? HuggingFaceFolder.read(path) : Gguf.read(path);
    Pretrained pretrained = Models.pretrained(published);
    LanguageEncoding reading = pretrained.reading().orElseThrow();
    return pretrained.artifact(reading, Clock.systemUTC());
  }
}
